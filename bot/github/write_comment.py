"""Comments on GitHub, kept as they should read.

The stored id first; else our own comments are searched for our marker; only then one is created. The same text makes no call. A
failed update is tried again later and never becomes a second comment; a comment that a person deleted stays deleted. Where a person
hid one of ours, it is kept right without a word, and no other is written beside it.
"""

import hashlib
import re
from typing import Any

import msgspec

from bot import journal
from bot.context import Bot
from bot.github.client import Missing, Refusal
from bot.github.models import Comment, Id, Number, is_ours
from bot.github.pacing import take_turn
from bot.keys import PullKey
from bot.markdown import fitted
from bot.store import publications as publication_store
from bot.store.tables import Publication
from bot.work import queue
from bot.work.queue import Lease

LONGEST_BODY = 65_000
# What kind of comment says what a pull request cost.
COMMENT = "pull"

# An organization can be `blocked`, which passes.
_IS_LOCKED = re.compile(r"\blocked\b")


class CommentText(msgspec.Struct, frozen=True):
    """What the comment of a kind says. It is not created where people hid our comment of the kind `unless_hidden`."""

    kind: str
    body: str
    unless_hidden: str = ""


async def put_comment(
    bot: Bot, lease: Lease, full_name: str, text: CommentText, current: Publication | None, *, is_last: bool = False
) -> bool:
    """Make our comment on pull request `lease.pull` read so; `current` is what is stored of it. Raises `NotYet` and GitHub's
    errors.

    Where it `is_last` of a piece of work, the lease is finished in the transaction that stores the comment: then True.
    """
    key, kind = lease.pull, text.kind
    full_body = fitted(f"{bot.marker(kind, key)}\n{text.body}", LONGEST_BODY)
    digest = hashlib.sha256(full_body.encode()).hexdigest()
    if current and (current.state != "live" or (current.comment_id and current.body_sha256 == digest)):
        return False
    comment_id = current.comment_id if current else None
    lease_to_finish = lease if is_last else None
    if comment_id is None:
        ours = await _ours(bot, full_name, key)
        comment = await _oldest(bot, full_name, key, ours.get(bot.marker(kind, key), []))
        if comment is None and any(other.minimized for other in ours.get(bot.marker(text.unless_hidden, key), [])):
            return _remember(bot, key, kind, lease_to_finish, state="hidden")
        if comment is not None and comment.body == full_body:
            return _remember(bot, key, kind, lease_to_finish, comment_id=comment.id, body_sha256=digest)
        comment_id = comment.id if comment else None
    await take_turn(bot, lease)
    path = f"/repos/{full_name}/issues"
    try:
        if comment_id is None:
            content = {"body": full_body}
            answer = await bot.github.write(key.account_id, "POST", f"{path}/{key.number}/comments", content, Id)
            comment_id = answer.id
        else:
            await bot.github.write(key.account_id, "PATCH", f"{path}/comments/{comment_id}", {"body": full_body}, Id)
    except Missing:
        if comment_id is None or not await _is_deleted(bot, key, path, comment_id):
            raise
        return _remember(bot, key, kind, lease_to_finish, comment_id=comment_id, state="deleted")
    except Refusal as error:
        if not _IS_LOCKED.search(str(error)):
            raise
        return _remember(bot, key, kind, lease_to_finish, comment_id=comment_id, state="locked")
    journal.note("comment written", kind=kind, repository=full_name, number=key.number, comment_id=comment_id)
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


async def _ours(bot: Bot, full_name: str, key: PullKey) -> dict[str, list[Comment]]:
    """Our own comments on every page, by their first lines, which are the markers."""
    ours: dict[str, list[Comment]] = {}
    async for page in bot.github.pages(
        key.account_id, f"/repos/{full_name}/issues/{key.number}/comments", list[Comment]
    ):
        for comment in page:
            if is_ours(bot, comment):
                ours.setdefault((comment.body or "").partition("\n")[0].rstrip(), []).append(comment)
    return ours


async def _oldest(bot: Bot, full_name: str, key: PullKey, comments: list[Comment]) -> Comment | None:
    """The oldest of comments with the same marker. The others are deleted."""
    by_age = sorted(comments, key=lambda comment: comment.id)
    for other in by_age[1:]:
        await bot.github.delete(key.account_id, f"/repos/{full_name}/issues/comments/{other.id}")
    return next(iter(by_age), None)


def _remember(bot: Bot, key: PullKey, kind: str, lease: Lease | None, **state: Any) -> bool:
    """Store what stands on GitHub now. Whether the lease was finished with it."""
    with bot.database.write() as connection:
        publication_store.save_publication(bot.database, connection, key, kind, **state)
        return lease is not None and queue.finish_in(connection, lease)
