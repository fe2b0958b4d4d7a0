"""Commands in a conversation: read, run once, answered with a reaction, and with a line on what went wrong.

Somebody who may not write gets a word in a private repository, once in a while. In a public one nothing that strangers say is
stored, answered or written.
"""

from contextlib import suppress
from datetime import datetime, timedelta

import msgspec

from attribution.evidence import Correction
from bot.clock import CLOCKS_MS, from_ms, to_ms
from bot.commands.access import may_write
from bot.commands.actions import Reply, Request, Scene, do
from bot.commands.parse import CommandError, commands, lines
from bot.context import Bot
from bot.github import sync_issue, sync_pull
from bot.github.client import Missing, Refusal
from bot.github.models import Comment, User, is_ours
from bot.github.pacing import take_turn
from bot.github.write_comment import CommentText, put_comment
from bot.keys import PullKey
from bot.markdown import phrase
from bot.store import accounts as account_store
from bot.store import budgets as budget_store
from bot.store import commands as command_store
from bot.store import issues as issue_store
from bot.store import publications as publication_store
from bot.store import pulls as pull_store
from bot.store import repositories as repository_store
from bot.store import sessions as session_store
from bot.store.tables import Repository
from bot.work import queue
from bot.work.queue import Lease
from bot.work.stale import Change, Fact

PRESS = "/mergecost approve with the button of the check run"
NEW_COMMENT = "a comment is read once, so say it in a new one"
NO_ACCESS = (
    "only people with write access to the repository may say this here, and who has it is asked every ten minutes"
)


class _Comment(Comment, kw_only=True):
    updated_at: datetime
    author_association: str = ""


class _Nothing(msgspec.Struct):
    """An answer that is not read."""


async def run(bot: Bot, lease: Lease) -> None:
    """Run the commands since the last look in one conversation, and answer them. Raises `NotYet` for the worker."""
    key = lease.pull
    read_until_ms = await _read_until_ms(bot, key)
    with bot.database.read() as connection:
        repository = repository_store.repository(connection, key.repository)
    if read_until_ms is None or repository is None:
        return
    await _answer(bot, lease, repository)  # one at a time, without reading the conversation for each
    requests, until_ms = await _requests_since(bot, key, repository.full_name, read_until_ms)
    requests += _presses(bot, key)
    with bot.database.read() as connection:
        run_before = command_store.run_before(connection, key, [request.comment_id for request in requests])
    new = [request for request in requests if request.comment_id not in run_before]
    access = await may_write(bot, key.repository, repository.full_name, new)
    with bot.database.write() as connection:
        account_store.lock(connection, key.account_id)
        if not queue.is_ours(connection, lease):
            return
        scene = Scene(bot, connection, key, repository, bot.stale(repository))
        refused = set[int]()
        for request in requests:
            if request.comment_id in run_before:
                command_store.note_edit(connection, key, request.comment_id, request.lines, NEW_COMMENT)
            elif access.get(request.by.id):
                _run(scene, request)
            elif request.is_press or (repository.private and {request.by.id} & access.keys() - refused):
                refused.add(request.by.id)
                _note(scene, request, NO_ACCESS)
        pull_store.note(connection, key, comments_read_until_ms=until_ms)
        issue_store.note(connection, key, comments_read_until_ms=until_ms)
    await _answer(bot, lease, repository)


async def _read_until_ms(bot: Bot, key: PullKey) -> int | None:
    """How far a conversation is read; None where it is neither a pull request nor an issue for us."""
    read_until_ms = _stored_until_ms(bot, key)
    if read_until_ms is None:  # commented on before it was read
        await sync_pull.pull(bot, key)
        read_until_ms = _stored_until_ms(bot, key)
    if read_until_ms is None:
        await sync_issue.issue(bot, key)
        read_until_ms = _stored_until_ms(bot, key)
    return read_until_ms


def _stored_until_ms(bot: Bot, key: PullKey) -> int | None:
    with bot.database.read() as connection:
        pull = pull_store.pull(connection, key)
        return pull.comments_read_until_ms if pull else issue_store.comments_read_until_ms(connection, key)


async def _requests_since(bot: Bot, key: PullKey, full_name: str, since_ms: int) -> tuple[list[Request], int]:
    """The commands in comments that were written or edited since then, oldest first, and until when the conversation is read."""
    began_ms = bot.clock()
    since = {"since": from_ms(since_ms).strftime("%Y-%m-%dT%H:%M:%SZ")} if since_ms else {}
    path = f"/repos/{full_name}/issues/{key.number}/comments"
    requests, until_ms, pages = list[Request](), since_ms, 0
    async for page in bot.github.pages(key.account_id, path, list[_Comment], **since):
        requests += [request for comment in page if (request := _request(bot, comment))]
        until_ms = max(until_ms, *(to_ms(comment.updated_at) for comment in page), 0)
        pages += 1
    if pages > 1:  # what was edited on the first page while the last was read is read the next time
        until_ms = max(since_ms, min(until_ms, began_ms - CLOCKS_MS))
    return sorted(requests, key=lambda request: (request.at, request.comment_id)), until_ms


def _request(bot: Bot, comment: _Comment) -> Request | None:
    """What a person says to us, unless a maintainer hid it."""
    if comment.user is None or comment.user.type == "Bot" or is_ours(bot, comment) or comment.minimized is not None:
        return None
    said = lines(comment.body or "")
    if not said:
        return None
    # GitHub says seconds.
    seen_until_ms = to_ms(comment.updated_at) + 999
    return Request(comment.id, comment.updated_at, said, comment.user, seen_until_ms, comment.author_association)


def _presses(bot: Bot, key: PullKey) -> list[Request]:
    """The button of the check run says what the command says."""
    with bot.database.read() as connection:
        presses = budget_store.all_presses(connection, key)
        run_before = command_store.run_before(connection, key, [press.press_id for press in presses])
    new = [press for press in presses if press.press_id not in run_before]
    return [
        Request(
            press.press_id, from_ms(press.at_ms), PRESS, User(id=press.by_id, login=press.by_login), press.seen_at_ms
        )
        for press in new
    ]


def _run(scene: Scene, request: Request) -> None:
    """Do what one comment says; of several commands those that can be done."""
    corrections: list[Correction] = []
    problems: list[str] = []
    replies: list[str] = []
    for command in commands(request.lines):
        match do(scene, request, command):
            case CommandError(problem):
                problems.append(problem)
            case Reply(text):
                replies.append(text)
            case Correction() as correction:
                at = request.at + timedelta(microseconds=len(corrections))
                corrections.append(msgspec.structs.replace(correction, said_at=at, by=request.by.login))
            case None:
                pass
    database, connection, key = scene.bot.database, scene.connection, scene.key
    command_store.save_corrections(database, connection, key, request.comment_id, corrections)
    if corrections:
        named = {(correction.tool, correction.session_id) for correction in corrections}
        session_store.request(connection, key.repository, named)
        scene.stale.note(connection, Fact.CORRECTION, Change(repository=key.repository))
    _note(scene, request, "; ".join(problems), " ".join(replies))


def _note(scene: Scene, request: Request, problem: str, reply: str = "") -> None:
    """Store who said what, and what came of it, to be answered."""
    row = {
        "by_id": request.by.id,
        "by_login": request.by.login,
        "commented_at_ms": to_ms(request.at),
        "lines": request.lines,
        "problem": problem,
        "reply": reply,
    }
    command_store.save_command(scene.bot.database, scene.connection, scene.key, request.comment_id, **row)


async def _answer(bot: Bot, lease: Lease, repository: Repository) -> None:
    key, full_name = lease.pull, repository.full_name
    with bot.database.read() as connection:
        waiting = command_store.unanswered(connection, key)
    for command in waiting:
        if command.comment_id < 0:  # a press of the button: the check run shows what came of it
            with bot.database.write() as connection:
                command_store.answer(connection, key, command.comment_id)
            continue
        reply = f"Not done: {phrase(command.problem)}." if command.problem else ""
        if text := " ".join(part for part in (reply, phrase(command.reply)) if part):
            kind = f"reply-{command.comment_id}"
            with bot.database.read() as connection:
                current = publication_store.publication(connection, key, kind)
            await put_comment(bot, lease, full_name, CommentText(kind, text), current)
        await take_turn(bot, lease)
        path = f"/repos/{full_name}/issues/comments/{command.comment_id}/reactions"
        # Where the comment is gone or the conversation locked, what was asked is done all the same.
        with suppress(Missing, Refusal):
            reaction = {"content": "confused" if command.problem else "+1"}
            await bot.github.write(key.account_id, "POST", path, reaction, _Nothing)
        with bot.database.write() as connection:
            command_store.answer(connection, key, command.comment_id)
