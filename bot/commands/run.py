"""Commands in a conversation: read, run once, answered with a reaction, and with a line on what went wrong."""

from contextlib import suppress
from datetime import datetime, timedelta

import msgspec
from sqlalchemy import Connection

from attribution.budget import Approval, may_cost
from attribution.evidence import Correction
from attribution.money import show
from attribution.periods import week_named
from bot import weekly
from bot.clock import from_ms, to_ms
from bot.commands.parse import Approve, Command, CommandError, Correct, Rebuild, Refresh, Switch, commands, lines
from bot.comments import REASONS, Skip
from bot.context import Bot
from bot.figures import budgets as budget_figures
from bot.github import sync_issue, sync_pull
from bot.github.client import Missing, Refusal
from bot.github.models import App, User
from bot.github.pacing import take_turn
from bot.github.write_comment import put_comment
from bot.keys import PullKey
from bot.markdown import phrase
from bot.store import budgets as budget_store
from bot.store import commands as command_store
from bot.store import issues as issue_store
from bot.store import publications as publication_store
from bot.store import pulls as pull_store
from bot.store import repositories as repository_store
from bot.store import sessions as session_store
from bot.store import weeks as week_store
from bot.store.tables import Pull, Repository
from bot.work import queue
from bot.work.queue import Lease
from bot.work.stale import Change, Fact, Stale, week_work

_MAY_WRITE = ("admin", "write")
PRESS = "/mergecost approve with the button of the check run"
ONLY_IN_PULLS = "this is about pull requests: say it in one"
NEW_COMMENT = "a comment is read once, so say it in a new one"
NO_ACCESS = "only people with write access to the repository may say this here"


class _Comment(msgspec.Struct):
    id: int
    updated_at: datetime
    body: str | None = ""
    user: User | None = None
    performed_via_github_app: App | None = None


class _Request(msgspec.Struct, frozen=True):
    """A person's comment with commands in it, or a press of the button."""

    comment_id: int
    at: datetime
    body: str
    by: User


class _Permission(msgspec.Struct):
    permission: str = "none"


class _Nothing(msgspec.Struct):
    """An answer that is not read."""


class _Reply(msgspec.Struct, frozen=True):
    """What a command has to say although it was run."""

    text: str


class _Scene(msgspec.Struct, frozen=True):
    """Where commands are run: in the transaction that stores them."""

    bot: Bot
    connection: Connection
    key: PullKey
    repository: Repository

    @property
    def stale(self) -> Stale:
        return self.bot.stale(self.repository)


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
        if not queue.is_ours(connection, lease):
            return
        scene = _Scene(bot, connection, key, repository)
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


def _requests(bot: Bot, comments: list[_Comment]) -> list[_Request]:
    requests = [
        _Request(comment.id, comment.updated_at, comment.body, comment.user)
        for comment in comments
        if comment.user and comment.user.type != "Bot" and not _is_ours(bot, comment)
        if comment.body and commands(comment.body)
    ]
    return sorted(requests, key=lambda request: (request.at, request.comment_id))


def _presses(bot: Bot, key: PullKey) -> list[_Request]:
    """The button of the check run says what the command says."""
    with bot.database.read() as connection:
        presses = budget_store.all_presses(connection, key)
        run_before = command_store.run_before(connection, key, [press.press_id for press in presses])
    new = [press for press in presses if press.press_id not in run_before]
    return [
        _Request(press.press_id, from_ms(press.at_ms), PRESS, User(id=press.by_id, login=press.by_login))
        for press in new
    ]


def _is_ours(bot: Bot, comment: _Comment) -> bool:
    app = comment.performed_via_github_app
    return app is not None and app.id == bot.github.credentials.app_id


async def _may_write(bot: Bot, key: PullKey, full_name: str, login: str) -> bool:
    try:
        path = f"/repos/{full_name}/collaborators/{login}/permission"
        answer = await bot.github.get(key.account_id, path, _Permission)
    except Missing:
        return False
    return answer.permission in _MAY_WRITE


def _run(scene: _Scene, request: _Request, *, allowed: bool) -> None:
    """Do what one comment says, or note why not; of several commands those that can be done."""
    corrections: list[Correction] = []
    problems = [] if allowed else [NO_ACCESS]
    replies: list[str] = []
    for command in commands(request.body) if allowed else ():
        match _do(scene, request, command):
            case CommandError(problem):
                problems.append(problem)
            case _Reply(text):
                replies.append(text)
            case Correction() as correction:
                at = request.at + timedelta(microseconds=len(corrections))
                corrections.append(msgspec.structs.replace(correction, said_at=at, by=request.by.login))
            case None:
                pass
    database, connection, key = scene.bot.database, scene.connection, scene.key
    command_store.save_corrections(database, connection, key, request.comment_id, corrections)
    for correction in corrections:
        session_store.request(connection, key.repository, (correction.tool, correction.session_id))
    if corrections:
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


def _do(scene: _Scene, request: _Request, command: Command) -> Correction | CommandError | _Reply | None:
    """The correction that a command makes, what is wrong with it, or what it has to say; None for one that is done here."""
    if isinstance(command, CommandError):
        return command
    if isinstance(command, Rebuild):
        return _rebuild(scene, command.week)
    pull = pull_store.pull(scene.connection, scene.key)
    return CommandError(ONLY_IN_PULLS) if pull is None else _do_in_pull(scene, request, command, pull)


def _do_in_pull(
    scene: _Scene, request: _Request, command: Approve | Refresh | Switch | Correct, pull: Pull
) -> Correction | CommandError | _Reply | None:
    match command:
        case Approve():
            return _approve(scene, request, command)
        case Refresh():
            return _refresh(scene, pull.skip)
        case Switch(on):
            return _switch(scene, on=on)
        case Correct():
            return _correct(scene, command)


def _approve(scene: _Scene, request: _Request, command: Approve) -> CommandError | None:
    """Append-only, like corrections."""
    connection, key = scene.connection, scene.key
    budget = budget_figures.of_pull(connection, scene.stale.settings, key)
    if budget is None:
        return CommandError("pull requests have no budget here: `budget_pull_usd` in the settings")
    if not budget.is_over:
        limit = show(budget.budget_micros)
        return CommandError(f"it is within its budget of {limit}, so there is nothing to approve")
    approval = Approval(
        comment_id=request.comment_id, said_at=request.at, reason=command.reason, up_to_micros=may_cost(budget)
    )
    facts = {"approved_at_ms": to_ms(request.at), "cost_micros": budget.spend.priced_micros}
    budget_store.save_approval(scene.bot.database, connection, key, approval, request.by.login, **facts)
    scene.stale.note(connection, Fact.APPROVAL, Change(repository=key.repository, pulls=[key.number]))
    return None


def _refresh(scene: _Scene, skip: str) -> _Reply | None:
    connection, key = scene.connection, scene.key
    repository_store.note(connection, key.repository, settings_read_at_ms=0)
    facts = pull_store.facts_of_pull(connection, key)
    if facts is not None:
        session_store.request_near(connection, key.repository, facts)
    scene.stale.note(connection, Fact.REFRESH, Change(repository=key.repository, pulls=[key.number]))
    return (
        _Reply(f"Everything is read again. So far there is no comment here: {REASONS[Skip(skip)]}.") if skip else None
    )


def _switch(scene: _Scene, *, on: bool) -> None:
    connection, key = scene.connection, scene.key
    pull_store.note(connection, key, comment_on=on)
    if on:  # also where a person deleted the comment
        publication_store.end_silence(connection, key, "pull")
    scene.stale.note(connection, Fact.SWITCH, Change(repository=key.repository, pulls=[key.number]))


def _correct(scene: _Scene, command: Correct) -> Correction | CommandError:
    connection, key = scene.connection, scene.key
    sessions = session_store.by_name(connection, key.repository, command.session)
    if len(sessions) != 1:
        return CommandError(_which(command.session, len(sessions)))
    numbers = [number for number, _ in command.weights]
    missing = [f"#{other}" for other in numbers if pull_store.pull(connection, key.repository.pull(other)) is None]
    if missing:
        return CommandError(f"there is no pull request {' or '.join(missing)} here that Mergecost knows")
    tool, session_id = sessions[0]
    return Correction(
        said_at=from_ms(scene.bot.clock()),
        tool=tool,
        session_id=session_id,
        says=command.says,
        weights=command.weights or ((key.number, 1),),
        why=command.why,
    )


def _rebuild(scene: _Scene, name: str) -> CommandError | None:
    connection, settings = scene.connection, scene.stale.settings
    week = week_named(name, settings.zone)
    if week is None:
        return CommandError(f"there is no week `{name}`")
    if week.to_at > from_ms(scene.bot.clock()):
        return CommandError(f"the week `{name}` is not over yet")
    key = scene.key.repository.week(week.name)
    place = weekly.place_of(connection, settings, scene.repository, week_store.week(connection, key))
    if isinstance(place, str):
        return CommandError(place)
    week_store.add(scene.bot.database, connection, key)
    # Also where a person deleted it, or it was quiet.
    week_store.end_silence(connection, key)
    queue.request(scene.bot.database, connection, [week_work(key)], scene.bot.clock())
    return None


def _which(session: str, count: int) -> str:
    if count:
        return f"`{session}` is the short id of {count} sessions: use the whole id that the tool gave it"
    return f"no session `{session}` has reached Mergecost for this repository: use the short id that the comment shows"


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
        take_turn(bot, lease)
        path = f"/repos/{full_name}/issues/comments/{command.comment_id}/reactions"
        # Where the comment is gone or the conversation locked, what was asked is done all the same.
        with suppress(Missing, Refusal):
            reaction = {"content": "confused" if command.problem else "+1"}
            await bot.github.write(key.account_id, "POST", path, reaction, _Nothing)
        with bot.database.write() as connection:
            command_store.answer(connection, key, command.comment_id)
