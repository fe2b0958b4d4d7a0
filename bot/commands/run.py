"""Commands in a conversation: read, run once, answered with a reaction, and with a line on what went wrong."""

from contextlib import suppress
from datetime import datetime, timedelta

import msgspec

from attribution.evidence import Correction
from bot.clock import from_ms, to_ms
from bot.commands.actions import Reply, Request, Scene, do
from bot.commands.parse import CommandError, commands, lines
from bot.context import Bot
from bot.github import sync_issue, sync_pull
from bot.github.client import Missing, Refusal
from bot.github.models import Comment, User, is_ours
from bot.github.pacing import take_turn
from bot.github.write_comment import put_comment
from bot.keys import PullKey
from bot.markdown import phrase
from bot.store import accounts as account_store
from bot.store import budgets as budget_store
from bot.store import commands as command_store
from bot.store import issues as issue_store
from bot.store import pulls as pull_store
from bot.store import repositories as repository_store
from bot.store import sessions as session_store
from bot.store.tables import Repository
from bot.work import queue
from bot.work.queue import Lease
from bot.work.stale import Change, Fact

_MAY_WRITE = ("admin", "write")
PRESS = "/mergecost approve with the button of the check run"
NEW_COMMENT = "a comment is read once, so say it in a new one"
NO_ACCESS = "only people with write access to the repository may say this here"


class _Comment(Comment, kw_only=True):
    updated_at: datetime


class _Permission(msgspec.Struct):
    permission: str = "none"


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
    comments = await _comments_since(bot, key, repository.full_name, read_until_ms)
    requests = _requests(bot, comments) + _presses(bot, key)
    allowed = {
        request.by.login: await _may_write(bot, key, repository.full_name, request.by.login) for request in requests
    }
    with bot.database.write() as connection:
        account_store.lock(connection, key.account_id)
        if not queue.is_ours(connection, lease):
            return
        scene = Scene(bot, connection, key, repository, bot.stale(repository))
        run_before = command_store.run_before(connection, key, [request.comment_id for request in requests])
        for request in requests:
            if request.comment_id not in run_before:
                _run(scene, request, allowed=allowed[request.by.login])
            elif allowed[request.by.login]:
                command_store.note_edit(connection, key, request.comment_id, lines(request.body), NEW_COMMENT)
    await _answer(bot, lease, repository)
    if comments:
        until_ms = max(to_ms(comment.updated_at) for comment in comments)
        with bot.database.write() as connection:
            pull_store.note(connection, key, comments_read_until_ms=until_ms)
            issue_store.note(connection, key, comments_read_until_ms=until_ms)


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


async def _comments_since(bot: Bot, key: PullKey, full_name: str, since_ms: int) -> list[_Comment]:
    """The comments that were written or edited since then."""
    since = {"since": from_ms(since_ms).strftime("%Y-%m-%dT%H:%M:%SZ")} if since_ms else {}
    path = f"/repos/{full_name}/issues/{key.number}/comments"
    return [
        comment async for page in bot.github.pages(key.account_id, path, list[_Comment], **since) for comment in page
    ]


def _requests(bot: Bot, comments: list[_Comment]) -> list[Request]:
    requests = [
        Request(comment.id, comment.updated_at, comment.body, comment.user)
        for comment in comments
        if comment.user and comment.user.type != "Bot" and not is_ours(bot, comment)
        if comment.body and commands(comment.body)
    ]
    return sorted(requests, key=lambda request: (request.at, request.comment_id))


def _presses(bot: Bot, key: PullKey) -> list[Request]:
    """The button of the check run says what the command says."""
    with bot.database.read() as connection:
        presses = budget_store.all_presses(connection, key)
        run_before = command_store.run_before(connection, key, [press.press_id for press in presses])
    new = [press for press in presses if press.press_id not in run_before]
    return [
        Request(press.press_id, from_ms(press.at_ms), PRESS, User(id=press.by_id, login=press.by_login))
        for press in new
    ]


async def _may_write(bot: Bot, key: PullKey, full_name: str, login: str) -> bool:
    try:
        path = f"/repos/{full_name}/collaborators/{login}/permission"
        answer = await bot.github.get(key.account_id, path, _Permission)
    except Missing:
        return False
    return answer.permission in _MAY_WRITE


def _run(scene: Scene, request: Request, *, allowed: bool) -> None:
    """Do what one comment says, or note why not; of several commands those that can be done."""
    corrections: list[Correction] = []
    problems = [] if allowed else [NO_ACCESS]
    replies: list[str] = []
    for command in commands(request.body) if allowed else ():
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
    row = {
        "by_id": request.by.id,
        "by_login": request.by.login,
        "commented_at_ms": to_ms(request.at),
        "lines": lines(request.body),
        "problem": "; ".join(problems),
        "reply": " ".join(replies),
    }
    command_store.save_command(database, connection, key, request.comment_id, **row)


async def _answer(bot: Bot, lease: Lease, repository: Repository) -> None:
    key, full_name = lease.pull, repository.full_name
    with bot.database.read() as connection:
        waiting = command_store.unanswered(connection, key)
    for command in waiting:
        if command.comment_id < 0:  # a press of the button: the check run shows what came of it
            with bot.database.write() as connection:
                command_store.answer(connection, key, command.comment_id)
            continue
        # Strangers in a public repository cannot make the bot comment.
        is_silent = command.problem == NO_ACCESS and not repository.private
        reply = f"Not done: {phrase(command.problem)}." if command.problem and not is_silent else ""
        if text := " ".join(part for part in (reply, phrase(command.reply)) if part):
            await put_comment(bot, lease, full_name, f"reply-{command.comment_id}", text)
        await take_turn(bot, lease)
        path = f"/repos/{full_name}/issues/comments/{command.comment_id}/reactions"
        # Where the comment is gone or the conversation locked, what was asked is done all the same.
        with suppress(Missing, Refusal):
            reaction = {"content": "confused" if command.problem else "+1"}
            await bot.github.write(key.account_id, "POST", path, reaction, _Nothing)
        with bot.database.write() as connection:
            command_store.answer(connection, key, command.comment_id)
