"""Comments and issues on GitHub, kept as they should read. The only place that writes to GitHub.

The stored id first; else our own comments are searched for our marker; only then one is created. The same text makes no call. A
failed update is tried again later and never becomes a second comment; a comment that a person deleted stays deleted.
"""

import hashlib
from typing import Any

import msgspec
from sqlalchemy import Row

from attribution.periods import week_number
from bot.context import Bot
from bot.github.client import Missing, Refused
from bot.store import accounts as account_store
from bot.store import publications as publication_store
from bot.store import weeks as week_store
from bot.store.weeks import WeekKey
from bot.work import queue
from bot.work.queue import Claimed

# GitHub asks for at least a second between writes, and for few of them:
# https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api#pause-between-mutative-requests
PAUSE_MS = 1000
LONGEST_BODY = 65_000
# What marks our issues for people.
LABEL = "mergecost"


class NotYet(Exception):
    """The turn to write is at `at_ms`."""

    def __init__(self, at_ms: int) -> None:
        super().__init__(f"the next write is due at {at_ms}")
        self.at_ms = at_ms


class _App(msgspec.Struct):
    id: int = 0


class _User(msgspec.Struct):
    login: str = ""


class _Comment(msgspec.Struct):
    """A comment, or an issue, which has a number."""

    id: int
    number: int = 0
    body: str | None = ""
    user: _User | None = None
    performed_via_github_app: _App | None = None


class _Id(msgspec.Struct):
    id: int


class _Numbered(msgspec.Struct):
    number: int


class IssueText(msgspec.Struct, frozen=True):
    """How an issue should read, and whether it is to be closed."""

    title: str
    body: str
    is_closed: bool


async def put_comment(bot: Bot, claimed: Claimed, full_name: str, kind: str, body: str) -> None:
    """Make the comment on pull request `claimed.ids` read `body`. Raises `NotYet` and GitHub's errors for the worker."""
    key = _key(claimed)
    installation_id, number = key[0], key[2]
    marked = f"{bot.marker(kind, key)}\n{body}"[:LONGEST_BODY]
    digest = hashlib.sha256(marked.encode()).hexdigest()
    with bot.database.write() as connection:
        held = publication_store.publication(connection, key, kind)
    if held and (held.state != "live" or (held.comment_id and held.body_sha256 == digest)):
        return
    comment_id = held.comment_id if held else None
    if comment_id is None:
        comment_id, same = await _search(bot, full_name, kind, key, marked)
        if comment_id is not None and same:
            _remember(bot, key, kind, comment_id=comment_id, body_sha256=digest)
            return
    take_turn(bot, claimed)
    path = f"/repos/{full_name}/issues"
    try:
        if comment_id is None:
            created = await bot.github.write(
                installation_id, "POST", f"{path}/{number}/comments", {"body": marked}, _Id
            )
            comment_id = created.id
        else:
            await bot.github.write(installation_id, "PATCH", f"{path}/comments/{comment_id}", {"body": marked}, _Id)
    except Missing:
        # Somebody deleted the comment, or the pull request is gone: both mean silence.
        _remember(bot, key, kind, comment_id=comment_id, state="deleted")
        return
    except Refused as error:
        if "locked" not in str(error).lower():
            raise
        _remember(bot, key, kind, comment_id=comment_id, state="locked")
        return
    _remember(bot, key, kind, comment_id=comment_id, body_sha256=digest)


async def put_issue(bot: Bot, claimed: Claimed, key: WeekKey, place: Row[Any], says: IssueText) -> bool:
    """Make the issue about a week read so, in the repository `place`. True once there is one. One that is no longer the newest
    is closed, once. Raises `NotYet` and GitHub's errors for the worker."""
    marker = bot.marker("week", (*key[:2], week_number(key[2])))
    marked = f"{marker}\n{says.body}"[:LONGEST_BODY]
    digest = hashlib.sha256(f"{says.title}\n{marked}".encode()).hexdigest()
    with bot.database.write() as connection:
        held = week_store.week(connection, key)
    if held is None or held.state == "deleted":
        return False
    number = held.issue_number
    if number is not None and held.body_sha256 == digest and held.is_closed >= says.is_closed:
        return True
    path = f"/repos/{place.full_name}/issues"
    text: dict[str, Any] = {"title": says.title, "body": marked}
    try:
        if number is None:
            number = await _search_issue(bot, key[0], place.full_name, marker)
        is_new = number is None
        take_turn(bot, claimed)
        if is_new:
            made = await bot.github.write(key[0], "POST", path, text | {"labels": [LABEL]}, _Numbered)
            number = made.number
        else:
            # Only once: whoever opens it again has a reason.
            closing = {"state": "closed", "state_reason": "completed"} if says.is_closed and not held.is_closed else {}
            await bot.github.write(key[0], "PATCH", f"{path}/{number}", text | closing, _Numbered)
    except Missing:  # somebody deleted it, or issues are switched off there
        with bot.database.write() as connection:
            week_store.note(connection, key, state="deleted")
        return False
    state = {"issue_number": number, "in_repository_id": place.repository_id, "body_sha256": digest, "state": "live"}
    with bot.database.write() as connection:
        week_store.note(connection, key, **state, is_closed=says.is_closed and not is_new)
    return True


def _key(claimed: Claimed) -> tuple[int, int, int]:
    installation_id, repository_id, number = claimed.ids
    return installation_id, repository_id, number


async def _search(
    bot: Bot, full_name: str, kind: str, key: tuple[int, int, int], marked: str
) -> tuple[int | None, bool]:
    """Our own comment with our marker, on any page: the oldest. Further ones of ours are deleted."""
    installation_id, _, number = key
    marker = bot.marker(kind, key)
    ours: list[_Comment] = []
    async for page in bot.github.pages(installation_id, f"/repos/{full_name}/issues/{number}/comments", list[_Comment]):
        ours += [one for one in page if _is_ours(bot, one) and (one.body or "").startswith(marker)]
    ours.sort(key=lambda one: one.id)
    for extra in ours[1:]:
        await bot.github.delete(installation_id, f"/repos/{full_name}/issues/comments/{extra.id}")
    return (ours[0].id, ours[0].body == marked) if ours else (None, False)


def _is_ours(bot: Bot, comment: _Comment) -> bool:
    app = comment.performed_via_github_app
    if app is not None:
        return app.id == bot.github.credentials.app_id
    return comment.user is not None and comment.user.login == f"{bot.github.credentials.slug}[bot]"


async def _search_issue(bot: Bot, installation_id: int, full_name: str, marker: str) -> int | None:
    """Our own issue with that marker: made, and then we did not hear of it."""
    listing = {"state": "all", "creator": f"{bot.github.credentials.slug}[bot]"}
    async for page in bot.github.pages(installation_id, f"/repos/{full_name}/issues", list[_Comment], **listing):
        for one in page:
            if _is_ours(bot, one) and (one.body or "").startswith(marker):
                return one.number
    return None


def before_turn(bot: Bot, claimed: Claimed) -> None:
    """Raises `NotYet` while this installation may not write: another piece of the same batch did just now."""
    with bot.database.read() as connection:
        row = account_store.installation(connection, claimed.ids[0])
    if row is not None and row.next_write_at_ms > bot.clock():
        raise NotYet(row.next_write_at_ms)


def take_turn(bot: Bot, claimed: Claimed) -> None:
    """Last look before a write: still our work, and it is this installation's turn. Raises `NotYet`.

    Each comment, check run and issue is written by one piece of work, so whoever has its newest token writes the newest text.
    """
    with bot.database.write() as connection:
        if not queue.is_ours(connection, claimed):
            raise NotYet(bot.clock())
        at_ms = account_store.take_write_turn(connection, claimed.ids[0], bot.clock(), PAUSE_MS)
        if at_ms is not None:
            raise NotYet(at_ms)


def _remember(bot: Bot, key: tuple[int, int, int], kind: str, **state: Any) -> None:
    with bot.database.write() as connection:
        publication_store.save_publication(bot.database, connection, key, kind, **state)
