"""Who may give commands: people who may write in the repository. GitHub is asked once a person and piece of work.

Everybody may comment in a public repository, so strangers are remembered and few are asked about: whatever they say takes no more
requests to GitHub than reading it.
"""

from collections.abc import Iterable, Mapping

import msgspec

from bot.commands.actions import Request
from bot.context import Bot
from bot.github.client import Missing
from bot.github.models import User
from bot.keys import RepositoryKey
from bot.store import strangers as stranger_store

# Somebody who was given access meanwhile waits so long.
_REMEMBER_MS = 10 * 60_000
_HOUR_MS = 3_600_000
# In a repository and hour. People in whom GitHub sees more than strangers are asked about all the same.
MOST_STRANGERS = 60
# The others may be strangers or not: GitHub says CONTRIBUTOR or NONE of members who do not show their membership in public.
# https://github.com/orgs/community/discussions/18690
_INSIDERS = ("OWNER", "MEMBER", "COLLABORATOR")
_MAY_WRITE = ("admin", "write")


class _Permission(msgspec.Struct):
    permission: str = "none"


async def may_write(bot: Bot, key: RepositoryKey, full_name: str, requests: Iterable[Request]) -> Mapping[int, bool]:
    """Whether the people of these requests may write, by their id. Those are left out who were refused a short time ago, and
    strangers of whom there are too many."""
    now_ms = bot.clock()
    with bot.database.read() as connection:
        strangers = stranger_store.since(connection, key, now_ms - _HOUR_MS)
    answers: dict[int, bool] = {}
    for request in requests:
        by = request.by
        is_refused = strangers.get(by.id, 0) > now_ms - _REMEMBER_MS
        is_one_too_many = len(strangers) >= MOST_STRANGERS and request.association not in _INSIDERS
        if by.id in answers or ((is_refused or is_one_too_many) and not request.is_press):
            continue
        answers[by.id] = await _ask(bot, key, full_name, by)
        if not answers[by.id]:
            strangers[by.id] = now_ms
            with bot.database.write() as connection:
                stranger_store.forget(connection, key, now_ms - _HOUR_MS)
                stranger_store.save(bot.database, connection, key, by.id, now_ms)
    return answers


async def _ask(bot: Bot, key: RepositoryKey, full_name: str, by: User) -> bool:
    try:
        path = f"/repos/{full_name}/collaborators/{by.login}/permission"
        answer = await bot.github.get(key.account_id, path, _Permission)
    except Missing:
        return False
    return answer.permission in _MAY_WRITE
