"""The issue about a week on GitHub, kept as it should read."""

import hashlib
from typing import Any

import msgspec

from attribution.periods import week_number
from bot import journal
from bot.context import Bot
from bot.github.client import Missing
from bot.github.models import Comment, Id, Number, is_ours
from bot.github.pacing import take_turn
from bot.github.write_comment import LONGEST_BODY
from bot.keys import WeekKey
from bot.markdown import fitted
from bot.store import weeks as week_store
from bot.store.tables import Repository
from bot.work.queue import Lease

LONGEST_TITLE = 256
# What marks our issues for people.
LABEL = "mergecost"


class IssueText(msgspec.Struct, frozen=True):
    """How an issue should read, and whether it is to be closed."""

    title: str
    body: str
    is_closed: bool


async def put_issue(bot: Bot, lease: Lease, key: WeekKey, place: Repository, issue: IssueText) -> bool:
    """Make the issue about a week read so, in the repository `place`. True once there is one. One that is no longer the newest
    is closed, once. Raises `NotYet` and GitHub's errors for the worker."""
    marker = bot.marker("week", key.repository.pull(week_number(key.week)))
    body = fitted(f"{marker}\n{issue.body}", LONGEST_BODY)
    digest = hashlib.sha256(f"{issue.title}\n{body}".encode()).hexdigest()
    with bot.database.read() as connection:
        current = week_store.week(connection, key)
    if current is None or current.state == "deleted":
        return False
    number = current.issue_number
    if number is not None and current.body_sha256 == digest and current.is_closed >= issue.is_closed:
        return True
    path = f"/repos/{place.full_name}/issues"
    text: dict[str, Any] = {"title": issue.title[:LONGEST_TITLE], "body": body}
    try:
        if number is None:
            number = await _search(bot, key.account_id, place.full_name, marker)
        is_new = number is None
        await take_turn(bot, lease)
        if is_new:
            answer = await bot.github.write(key.account_id, "POST", path, text | {"labels": [LABEL]}, Number)
            number = answer.number
        else:
            # Only once: whoever opens it again has a reason.
            is_closing = issue.is_closed and not current.is_closed
            closing = {"state": "closed", "state_reason": "completed"} if is_closing else {}
            await bot.github.write(key.account_id, "PATCH", f"{path}/{number}", text | closing, Number)
    except Missing:
        if not await _is_unwelcome(bot, key.account_id, place.full_name, number):
            raise
        with bot.database.write() as connection:
            week_store.note(connection, key, state="deleted")
        return False
    journal.note("week written", repository=place.full_name, week=key.week, number=number)
    state = {"issue_number": number, "in_repository_id": place.repository_id, "body_sha256": digest, "state": "live"}
    with bot.database.write() as connection:
        week_store.note(connection, key, **state, is_closed=issue.is_closed and not is_new)
    return True


async def _is_unwelcome(bot: Bot, account_id: int, full_name: str, number: int | None) -> bool:
    """Whether somebody deleted the issue, or issues are switched off there. Raises `Missing` where GitHub does not find the
    repository either, for a while or for good."""
    await bot.github.get(account_id, f"/repos/{full_name}", Id)
    try:
        await bot.github.get(
            account_id, f"/repos/{full_name}/issues{f'/{number}' if number else '?per_page=1'}", object
        )
    except Missing:
        return True
    return False


async def _search(bot: Bot, account_id: int, full_name: str, marker: str) -> int | None:
    """Our own issue with that marker: it was created, and the answer did not arrive."""
    listing = {"state": "all", "creator": f"{bot.github.credentials.slug}[bot]"}
    async for page in bot.github.pages(account_id, f"/repos/{full_name}/issues", list[Comment], **listing):
        for issue in page:
            if is_ours(bot, issue) and (issue.body or "").startswith(marker):
                return issue.number
    return None
