"""Alerts: people are notified once of a session that costs far more than is usual here, in its pull request, or else outside.

attribution/runaway.py has the rule, deploy/foresight.md explains it to people.
"""

from collections.abc import Sequence

from sqlalchemy import Connection

from attribution.report import short_id
from attribution.runaway import Alert, alerts, usual
from bot.clock import from_ms
from bot.context import Bot
from bot.github.write_comment import COMMENT, CommentText, put_comment
from bot.keys import RepositoryKey
from bot.markdown import phrase, small
from bot.repository_settings import RepositorySettings
from bot.store import activity as activity_store
from bot.store import budgets as budget_store
from bot.store import publications as publication_store
from bot.store import pulls as pull_store
from bot.store import repositories as repository_store
from bot.store.tables import NoticeRow, Repository
from bot.work import queue
from bot.work.queue import Kind, Lease, Work

KIND = "alert"


def watch(bot: Bot, lease: Lease) -> None:
    """Look at the sessions that are going on in one repository."""
    key, now = lease.repository, from_ms(bot.clock())
    with bot.database.read() as connection:
        repository = repository_store.repository(connection, key)
        dear = activity_store.dear(connection, key, now)
        if repository is None or not dear:
            return
        past = activity_store.recent(connection, key, now)
        live = activity_store.activity(connection, key, dear)
    settings, _ = bot.repository_settings(repository)
    by_session = [
        session_alerts for session in live if (session_alerts := alerts(session, usual(past, session.from_at), now))
    ]
    if not by_session or not settings.alerts:
        return
    with bot.database.write() as connection:
        if not queue.is_ours(connection, lease):
            return
        for session_alerts in by_session:
            _note(bot, connection, repository, settings, session_alerts)


async def write(bot: Bot, lease: Lease) -> None:
    """Write the alerts of one pull request there, each in a comment of its own. Raises `NotYet` for the worker."""
    with bot.database.read() as connection:
        repository = repository_store.repository(connection, lease.repository)
        waiting = budget_store.new_in_pull(connection, lease.pull)
    if repository is None:
        return
    for notice in waiting:
        text = CommentText(f"{KIND}-{_short(notice)}", _comment(notice), unless_hidden=COMMENT)
        with bot.database.read() as connection:
            current = publication_store.publication(connection, lease.pull, text.kind)
        await put_comment(bot, lease, repository.full_name, text, current)
        with bot.database.write() as connection:
            budget_store.note_state(connection, notice, "sent")


def _note(
    bot: Bot, connection: Connection, repository: Repository, settings: RepositorySettings, alerts: Sequence[Alert]
) -> None:
    """Store the alerts of a session, each once, whatever the number of replicas and restarts. Of several at once only the first
    is sent."""
    key = repository.key
    number = _open_pull(connection, key, alerts[0]) if settings.comments_in(private=repository.private) else None
    is_sent = False
    for alert in alerts:
        state = "new" if not is_sent and (number or settings.alert_url) else "kept"
        notice = {
            "kind": KIND,
            "about": f"{alert.tool} {alert.session_id} {alert.rule}",
            "level": 0,
            "text": alert.sentence if number else f"{repository.full_name}: {alert.sentence}",
            "number": number,
            "at_ms": bot.clock(),
            "state": state,
        }
        is_sent |= budget_store.save_notice(bot.database, connection, key, **notice) and state == "new"
    if is_sent:
        work = Work(Kind.ALERT_COMMENT, *key, number) if number else Work(Kind.NOTICES, *key)
        queue.request(connection, [work], bot.clock())


def _open_pull(connection: Connection, key: RepositoryKey, alert: Alert) -> int | None:
    """Where the session's work goes, if people still look there."""
    for number in activity_store.pulls_of(connection, key, (alert.tool, alert.session_id)):
        pull = pull_store.pull(connection, key.pull(number))
        if pull is not None and pull.closed_at_ms is None and pull.comment_on:
            return number
    return None


def _short(notice: NoticeRow) -> str:
    """The session's short id and the rule."""
    tool, rest = notice.about.split(" ", 1)
    session_id, rule = rest.rsplit(" ", 1)
    return f"{short_id(tool, session_id)}-{rule}"


def _comment(notice: NoticeRow) -> str:
    return "\n\n".join(
        (
            f"**A session on this change is far outside of what is usual here.** {phrase(notice.text)}",
            "If it is meant to go on, nothing need be done. If not, stop it where it runs; `mergecost guard` does so by itself.",
            small(
                "At list price, or by the tool's own figure where none is known. Said once for each session and reason. "
                "`alerts: false` in the settings switches this off."
            ),
        )
    )
