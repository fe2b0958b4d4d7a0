"""Commands in a conversation: read, carry out once, answer with a reaction, and say in a line what went wrong."""

from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Connection, Row

from attribution.budget import Approval, may_cost
from attribution.evidence import Correction
from attribution.money import show
from attribution.periods import week_named
from bot import weekly
from bot.clock import from_ms, to_ms
from bot.commands.parse import Approve, Command, Correct, Rebuild, Refresh, Slip, Switch, commands, lines
from bot.context import Bot
from bot.figures import budgets as budget_figures
from bot.github import sync_issue, sync_pull
from bot.github.client import Missing, Refused
from bot.github.write_comment import put_comment, take_turn
from bot.markdown import phrase
from bot.store import budgets as budget_store
from bot.store import commands as command_store
from bot.store import issues as issue_store
from bot.store import publications as publication_store
from bot.store import pulls as pull_store
from bot.store import repositories as repository_store
from bot.store import sessions as session_store
from bot.store import weeks as week_store
from bot.store.commands import PullKey
from bot.work import queue
from bot.work.queue import Claimed, Wanted

_MAY_WRITE = ("admin", "write")
PRESS = "/mergecost approve with the button of the check run"
ONLY_IN_PULLS = "this is about pull requests: say it in one"
EDITED = "a comment is read once, so say it in a new one"
NO_ACCESS = "only people with write access to the repository may say this here"


class _User(msgspec.Struct):
    id: int = 0
    login: str = ""
    type: str = ""


class _App(msgspec.Struct):
    id: int = 0


class _Said(msgspec.Struct):
    id: int
    updated_at: datetime
    body: str | None = ""
    user: _User | None = None
    performed_via_github_app: _App | None = None


class _Told(msgspec.Struct, frozen=True):
    """A person's comment with commands in it."""

    comment_id: int
    at: datetime
    body: str
    by: _User


class _Permission(msgspec.Struct):
    permission: str = "none"


class _Nothing(msgspec.Struct):
    """An answer of which nothing is needed."""


async def obey(bot: Bot, claimed: Claimed) -> None:
    """Carry out what was said since the last look in one conversation, and answer it. Raises `NotYet` for the worker."""
    installation_id, repository_id, number = claimed.ids
    key = (installation_id, repository_id, number)
    said_until_ms = _said_until_ms(bot, key)
    if said_until_ms is None:  # commented on before we looked at it
        await sync_pull.pull(bot, *key)
        said_until_ms = _said_until_ms(bot, key)
    if said_until_ms is None:
        await sync_issue.issue(bot, *key)
        said_until_ms = _said_until_ms(bot, key)
    with bot.database.read() as connection:
        repository = repository_store.repository(connection, installation_id, repository_id)
    if said_until_ms is None or repository is None:
        return
    everything = await _said_since(bot, key, repository.full_name, said_until_ms)
    told = _told(bot, everything) + _pressed(bot, key)
    allowed = {one.by.login: await _may_write(bot, key, repository.full_name, one.by.login) for one in told}
    with bot.database.write() as connection:
        if not queue.is_ours(connection, claimed):
            return
        known = command_store.known_commands(connection, key, [one.comment_id for one in told])
        for one in told:
            if one.comment_id not in known:
                _carry_out(bot, connection, key, one, allowed=allowed[one.by.login])
            elif allowed[one.by.login]:
                command_store.note_edit(connection, key, one.comment_id, lines(one.body), EDITED)
    await _answer(bot, claimed, repository)
    if everything:
        until_ms = max(to_ms(one.updated_at) for one in everything)
        with bot.database.write() as connection:
            pull_store.note_pull(connection, key, said_until_ms=until_ms)
            issue_store.note_said(connection, key, until_ms)


def _said_until_ms(bot: Bot, key: PullKey) -> int | None:
    """How far we have read a conversation; None where neither the pull request nor the issue is known."""
    with bot.database.read() as connection:
        pull = pull_store.pull(connection, key)
        return pull.said_until_ms if pull else issue_store.said_until_ms(connection, key)


async def _said_since(bot: Bot, key: PullKey, full_name: str, since_ms: int) -> list[_Said]:
    """What was said, or said differently, since then."""
    since = {"since": from_ms(since_ms).strftime("%Y-%m-%dT%H:%M:%SZ")} if since_ms else {}
    path = f"/repos/{full_name}/issues/{key[2]}/comments"
    return [one async for page in bot.github.pages(key[0], path, list[_Said], **since) for one in page]


def _told(bot: Bot, said: list[_Said]) -> list[_Told]:
    people = [(one, one.user) for one in said if one.user and one.user.type != "Bot" and not _is_ours(bot, one)]
    told = [_Told(one.id, one.updated_at, one.body, by) for one, by in people if one.body and commands(one.body)]
    return sorted(told, key=lambda one: (one.at, one.comment_id))


def _pressed(bot: Bot, key: PullKey) -> list[_Told]:
    """The button of our check run says what the command says."""
    with bot.database.read() as connection:
        rows = budget_store.pressed(connection, key)
        known = command_store.known_commands(connection, key, [row.press_id for row in rows])
    new = [row for row in rows if row.press_id not in known]
    return [_Told(row.press_id, from_ms(row.at_ms), PRESS, _User(row.by_id, row.by_login)) for row in new]


def _is_ours(bot: Bot, one: _Said) -> bool:
    app = one.performed_via_github_app
    return app is not None and app.id == bot.github.credentials.app_id


async def _may_write(bot: Bot, key: PullKey, full_name: str, login: str) -> bool:
    try:
        path = f"/repos/{full_name}/collaborators/{login}/permission"
        found = await bot.github.get(key[0], path, _Permission)
    except Missing:
        return False
    return found.permission in _MAY_WRITE


def _carry_out(bot: Bot, connection: Connection, key: PullKey, one: _Told, *, allowed: bool) -> None:
    """Do what one comment says, or note why not; of several commands those that can be done."""
    corrections: list[Correction] = []
    problems = [] if allowed else [NO_ACCESS]
    for command in commands(one.body) if allowed else ():
        done = _do(bot, connection, key, one, command)
        if isinstance(done, str):
            problems += [done] if done else []
        else:
            at = one.at + timedelta(microseconds=len(corrections))
            corrections.append(msgspec.structs.replace(done, said_at=at, by=one.by.login))
    command_store.save_corrections(bot.database, connection, key, one.comment_id, corrections)
    for correction in corrections:
        session_store.want(connection, key[0], key[1], (correction.tool, correction.session_id))
    if corrections:
        queue.want(bot.database, connection, {Wanted("place", f"{key[0]}/{key[1]}"): 1}, bot.clock())
    said = {"by_id": one.by.id, "by_login": one.by.login, "said_at_ms": to_ms(one.at), "said": lines(one.body)}
    command_store.save_command(bot.database, connection, key, one.comment_id, problem="; ".join(problems), **said)


def _do(bot: Bot, connection: Connection, key: PullKey, one: _Told, command: Command) -> Correction | str:
    """The correction that a command makes, or what is wrong with it; empty text for one that is done here."""
    if isinstance(command, Slip):
        return command.problem
    if isinstance(command, Rebuild):
        return _rebuild(bot, connection, key, command.week)
    if pull_store.pull(connection, key) is None:
        return ONLY_IN_PULLS
    if isinstance(command, Approve):
        return _approve(bot, connection, key, one, command)
    return _do_in_pull(bot, connection, key, command)


def _approve(bot: Bot, connection: Connection, key: PullKey, one: _Told, command: Approve) -> str:
    """Append-only, like corrections. What is wrong with it, or an empty text."""
    settings, _ = bot.repository_settings(repository_store.repository(connection, key[0], key[1]))
    budget = budget_figures.of_pull(connection, settings, key)
    if budget is None:
        return "pull requests have no budget here: `budget_pull_usd` in the settings"
    if not budget.is_over:
        return f"it is within its budget of {show(budget.budget_micros)}, so there is nothing to approve"
    given = Approval(comment_id=one.comment_id, said_at=one.at, reason=command.reason, up_to_micros=may_cost(budget))
    budget_store.save_approval(
        bot.database, connection, key, given, one.by.login, said_at_ms=to_ms(one.at), cost_micros=budget.spent_micros
    )
    queue.want(bot.database, connection, {Wanted("comment", "/".join(map(str, key))): 1}, bot.clock())
    return ""


def _do_in_pull(
    bot: Bot, connection: Connection, key: PullKey, command: Correct | Refresh | Switch
) -> Correction | str:
    installation_id, repository_id, number = key
    wanted = {Wanted("comment", "/".join(map(str, key))): 1}
    match command:
        case Refresh():
            repository_store.note_repository(connection, installation_id, repository_id, settings_read_at_ms=0)
            facts = pull_store.facts_of_pull(connection, key)
            if facts is not None:
                session_store.want_of_pull(connection, installation_id, repository_id, facts)
            wanted = {
                Wanted("pull", "/".join(map(str, key))): 1,
                Wanted("place", f"{installation_id}/{repository_id}"): 1,
            }
        case Switch(on):
            pull_store.note_pull(connection, key, comment_on=on)
            if on:  # also where a person deleted our comment
                publication_store.forget_silence(connection, key, "pull")
        case Correct(says, session, weights, why):
            named = session_store.named(connection, installation_id, repository_id, session)
            if len(named) != 1:
                return _which(session, len(named))
            missing = [f"#{other}" for other, _ in weights if pull_store.pull(connection, (*key[:2], other)) is None]
            if missing:
                return f"there is no pull request {' or '.join(missing)} here that Mergecost knows"
            (tool, session_id), weights = named[0], weights or ((number, 1),)
            return Correction(
                said_at=from_ms(bot.clock()), tool=tool, session_id=session_id, says=says, weights=weights, why=why
            )
    queue.want(bot.database, connection, wanted, bot.clock())
    return ""


def _rebuild(bot: Bot, connection: Connection, key: PullKey, name: str) -> str:
    repository = repository_store.repository(connection, key[0], key[1])
    if repository is None:
        return ""
    settings, _ = bot.repository_settings(repository)
    week = week_named(name, settings.zone)
    if week is None:
        return f"there is no week `{name}`"
    if week.to_at > from_ms(bot.clock()):
        return f"the week `{name}` is not over yet"
    week_key = (key[0], key[1], week.name)
    place = weekly.place_of(connection, settings, repository, week_store.week(connection, week_key))
    if isinstance(place, str):
        return place
    week_store.add(bot.database, connection, week_key)
    # Also where a person deleted it, or it was quiet.
    week_store.forget_silence(connection, week_key)
    queue.want(bot.database, connection, {weekly.wanted(week_key): 1}, bot.clock())
    return ""


def _which(session: str, count: int) -> str:
    if count:
        return f"`{session}` is the short id of {count} sessions: use the whole id that the tool gave it"
    return f"no session `{session}` has reached Mergecost for this repository: use the short id that the comment shows"


async def _answer(bot: Bot, claimed: Claimed, repository: Row[Any]) -> None:
    installation_id, repository_id, number = claimed.ids
    key, full_name = (installation_id, repository_id, number), repository.full_name
    with bot.database.read() as connection:
        waiting = command_store.unanswered(connection, key)
    for row in waiting:
        if row.comment_id < 0:  # a press of the button: the check run shows what came of it
            with bot.database.write() as connection:
                command_store.answered(connection, key, row.comment_id)
            continue
        # Strangers in a public repository get no comment out of us.
        if row.problem and not (row.problem == NO_ACCESS and not repository.private):
            reply = f"Not done: {phrase(row.problem)}."
            await put_comment(bot, claimed, full_name, f"reply-{row.comment_id}", reply)
        take_turn(bot, claimed)
        path = f"/repos/{full_name}/issues/comments/{row.comment_id}/reactions"
        # Where the comment is gone or the conversation locked, what was said is done all the same.
        with suppress(Missing, Refused):
            reaction = {"content": "confused" if row.problem else "+1"}
            await bot.github.write(installation_id, "POST", path, reaction, _Nothing)
        with bot.database.write() as connection:
            command_store.answered(connection, key, row.comment_id)
