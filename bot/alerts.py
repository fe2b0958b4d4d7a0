"""Alerts: a session that costs far more than is usual here is told of once, in its pull request, or else outside.

attribution/runaway.py has the rule, deploy/foresight.md says it for people.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row

from attribution.report import short_id
from attribution.runaway import Alert, alerts, usual
from bot.budgets import delivery
from bot.clock import from_ms
from bot.context import Bot
from bot.github.write_comment import put_comment
from bot.markdown import phrase, small
from bot.repository_settings import RepositorySettings
from bot.store import activity as activity_store
from bot.store import budgets as budget_store
from bot.store import pulls as pull_store
from bot.store import repositories as repository_store
from bot.store.budgets import RepositoryKey
from bot.work import queue
from bot.work.queue import Claimed, Wanted

KIND = "alert"


async def watch(bot: Bot, claimed: Claimed) -> None:
    """Look at the sessions that go on in one repository."""
    installation_id, repository_id = claimed.ids
    key, now = (installation_id, repository_id), from_ms(bot.clock())
    with bot.database.read() as connection:
        repository = repository_store.repository(connection, *key)
        dear = activity_store.dear(connection, key, now)
        if repository is None or not dear:
            return
        past = activity_store.recent(connection, key, now)
        live = activity_store.activity(connection, key, dear)
    settings, _ = bot.repository_settings(repository)
    found = [raised for one in live if (raised := alerts(one, usual(past, one.from_at), now))]
    if not found or not settings.alerts:
        return
    with bot.database.write() as connection:
        if not queue.is_ours(connection, claimed):
            return
        for raised in found:
            _note(bot, connection, repository, settings, raised)


async def tell(bot: Bot, claimed: Claimed) -> None:
    """Say in one pull request what is to be said there, each alert in a comment of its own. Raises `NotYet` for the worker."""
    installation_id, repository_id, number = claimed.ids
    key = (installation_id, repository_id)
    with bot.database.read() as connection:
        repository = repository_store.repository(connection, *key)
        waiting = budget_store.unsaid(connection, key, number)
    if repository is None:
        return
    for row in waiting:
        await put_comment(bot, claimed, repository.full_name, f"{KIND}-{_short(row)}", _comment(row))
        with bot.database.write() as connection:
            budget_store.note_sent(connection, row, "sent")


def _note(
    bot: Bot, connection: Connection, repository: Row[Any], settings: RepositorySettings, raised: Sequence[Alert]
) -> None:
    """Keep what a session is far outside in, each once, whatever the number of replicas and restarts. Of several at once the first
    is told."""
    key = (repository.installation_id, repository.repository_id)
    number = _open_pull(connection, key, raised[0]) if settings.comments_in(private=repository.private) else None
    is_told = False
    for alert in raised:
        state = "new" if not is_told and (number or settings.alert_url) else "kept"
        notice = {
            "kind": KIND,
            "about": f"{alert.tool} {alert.session_id} {alert.rule}",
            "level": 0,
            "says": alert.sentence if number else f"{repository.full_name}: {alert.sentence}",
            "number": number,
            "noted_at_ms": bot.clock(),
            "state": state,
        }
        is_told |= budget_store.note(bot.database, connection, key, **notice) and state == "new"
    if is_told:
        wanted = Wanted("alert_comment", f"{key[0]}/{key[1]}/{number}") if number else delivery(key)
        queue.want(bot.database, connection, {wanted: 1}, bot.clock())


def _open_pull(connection: Connection, key: RepositoryKey, alert: Alert) -> int | None:
    """Where the session's work goes, if people still look there."""
    for number in activity_store.pulls_of(connection, key, (alert.tool, alert.session_id)):
        row = pull_store.pull(connection, (*key, number))
        if row is not None and row.closed_at_ms is None and row.comment_on:
            return number
    return None


def _short(row: Row[Any]) -> str:
    """The session's short id and the rule."""
    tool, rest = row.about.split(" ", 1)
    session_id, rule = rest.rsplit(" ", 1)
    return f"{short_id(tool, session_id)}-{rule}"


def _comment(row: Row[Any]) -> str:
    return "\n\n".join(
        (
            f"**A session on this change is far outside of what is usual here.** {phrase(row.says)}",
            "If it is meant to go on, nothing need be done. If not, stop it where it runs; `mergecost guard` does so by itself.",
            small(
                "At list price. Said once for each session and reason. `alerts: false` in the settings switches this off."
            ),
        )
    )
