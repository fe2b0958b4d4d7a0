"""Comments on GitHub, kept as they should read.

The stored id first; else our own comments are searched for our marker; only then one is created. The same text makes no call. A
failed update is tried again later and never becomes a second comment; a comment that a person deleted stays deleted.
"""

import hashlib
import re
from typing import Any

from bot.context import Bot
from bot.github.client import Missing, Refusal
from bot.github.models import Comment, Id, Number, is_ours
from bot.github.pacing import take_turn
from bot.keys import PullKey
from bot.store import publications as publication_store
from bot.work import queue
from bot.work.queue import Lease

LONGEST_BODY = 65_000


async def put_comment(bot: Bot, lease: Lease, full_name: str, kind: str, body: str, *, is_last: bool = False) -> bool:
    """Make the comment of that kind on pull request `lease.pull` read `body`. Raises `NotYet` and GitHub's errors.

    Where it `is_last` of a piece of work, the lease is finished in the transaction that stores the comment: then True.
    """
    key = lease.pull
    full_body = f"{bot.marker(kind, key)}\n{body}"[:LONGEST_BODY]
    digest = hashlib.sha256(full_body.encode()).hexdigest()
    with bot.database.read() as connection:
        current = publication_store.publication(connection, key, kind)
    if current and (current.state != "live" or (current.comment_id and current.body_sha256 == digest)):
        return False
    comment_id = current.comment_id if current else None
    lease_to_finish = lease if is_last else None
    if comment_id is None:
        comment_id, same = await _search(bot, full_name, kind, key, full_body)
        if comment_id is not None and same:
            return _remember(bot, key, kind, lease_to_finish, comment_id=comment_id, body_sha256=digest)
    await take_turn(bot, lease)
    path = f"/repos/{full_name}/issues"
    try:
        if comment_id is None:
            text = {"body": full_body}
            answer = await bot.github.write(key.account_id, "POST", f"{path}/{key.number}/comments", text, Id)
            comment_id = answer.id
        else:
            await bot.github.write(key.account_id, "PATCH", f"{path}/comments/{comment_id}", {"body": full_body}, Id)
    except Missing:
        if comment_id is None or not await _is_deleted(bot, key, path, comment_id):
            raise
        return _remember(bot, key, kind, lease_to_finish, comment_id=comment_id, state="deleted")
    except Refusal as error:
        if not re.search(r"\blocked\b", str(error)):  # an organization can be blocked, which passes
            raise
        return _remember(bot, key, kind, lease_to_finish, comment_id=comment_id, state="locked")
    return _remember(bot, key, kind, lease_to_finish, comment_id=comment_id, body_sha256=digest)


async def _is_deleted(bot: Bot, key: PullKey, path: str, comment_id: int) -> bool:
    """Whether somebody deleted the comment: it alone is gone. Raises `Missing` where the pull request is gone too, or GitHub does
    not find the repository for a while."""
    try:
        await bot.github.get(key.account_id, f"{path}/comments/{comment_id}", Id)
    except Missing:
        await bot.github.get(key.account_id, f"{path}/{key.number}", Number)
        return True
    return False


async def _search(bot: Bot, full_name: str, kind: str, key: PullKey, full_body: str) -> tuple[int | None, bool]:
    """Our own comment with our marker, on any page: the oldest. Further ones of ours are deleted."""
    marker = bot.marker(kind, key)
    ours: list[Comment] = []
    path = f"/repos/{full_name}/issues"
    async for page in bot.github.pages(key.account_id, f"{path}/{key.number}/comments", list[Comment]):
        ours += [comment for comment in page if is_ours(bot, comment) and (comment.body or "").startswith(marker)]
    ours.sort(key=lambda comment: comment.id)
    for extra in ours[1:]:
        await bot.github.delete(key.account_id, f"{path}/comments/{extra.id}")
    return (ours[0].id, ours[0].body == full_body) if ours else (None, False)


def _remember(bot: Bot, key: PullKey, kind: str, lease: Lease | None, **state: Any) -> bool:
    """Store what stands on GitHub now. Whether the lease was finished with it."""
    with bot.database.write() as connection:
        publication_store.save_publication(bot.database, connection, key, kind, **state)
        return lease is not None and queue.finish_in(connection, lease)
