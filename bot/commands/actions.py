"""What each command does, in the transaction that stores it. An error is a value, worded for whoever gave the command."""

from datetime import datetime

import msgspec
from sqlalchemy import Connection

from attribution.budget import Approval, may_cost
from attribution.evidence import Correction
from attribution.money import show
from attribution.periods import week_named
from attribution.rules.implausible import doubts, extent
from attribution.session import session_of
from bot import weekly
from bot.clock import from_ms, to_ms
from bot.commands.parse import Approve, Command, CommandError, Correct, Rebuild, Refresh, Switch
from bot.comments import COMMENT, REASONS, Skip
from bot.context import Bot
from bot.figures import budgets as budget_figures
from bot.github.models import User
from bot.keys import PullKey
from bot.store import budgets as budget_store
from bot.store import ledger as ledger_store
from bot.store import publications as publication_store
from bot.store import pulls as pull_store
from bot.store import repositories as repository_store
from bot.store import session_clues as clue_store
from bot.store import sessions as session_store
from bot.store import weeks as week_store
from bot.store.tables import Pull, Repository
from bot.work import queue
from bot.work.stale import Change, Fact, Stale, week_work

_NOT_SEEN = "no check run or comment here said by then that it needs an approval: say it again when one does"
_COSTS_MORE = "by now it costs more than an approval of what was to be seen then allows: look at it and say it again"
ONLY_IN_PULLS = "this is about pull requests: say it in one"


class Request(msgspec.Struct, frozen=True):
    """A person's comment with commands in it, of which `lines` are left, or a press of the button. `association` is what GitHub
    says that the person is to the repository. They had seen what was written by `seen_until_ms`."""

    comment_id: int
    at: datetime
    lines: str
    by: User
    seen_until_ms: int
    association: str = ""

    @property
    def is_press(self) -> bool:
        """GitHub shows the button to people who may write, and says who pressed it once."""
        return self.comment_id < 0


class Reply(msgspec.Struct, frozen=True):
    """What a command has to say although it was run."""

    text: str


class Scene(msgspec.Struct, frozen=True):
    """Where commands are run: in the transaction that stores them."""

    bot: Bot
    connection: Connection
    key: PullKey
    repository: Repository
    stale: Stale


def do(scene: Scene, request: Request, command: Command) -> Correction | CommandError | Reply | None:
    """The correction that a command makes, what is wrong with it, or what it has to say; None for one that is done here."""
    if isinstance(command, CommandError):
        return command
    if isinstance(command, Rebuild):
        return _rebuild(scene, command.week)
    pull = pull_store.pull(scene.connection, scene.key)
    return CommandError(ONLY_IN_PULLS) if pull is None else _do_in_pull(scene, request, command, pull)


def _do_in_pull(
    scene: Scene, request: Request, command: Approve | Refresh | Switch | Correct, pull: Pull
) -> Correction | CommandError | Reply | None:
    match command:
        case Approve():
            return _approve(scene, request, command)
        case Refresh():
            return _refresh(scene, pull.skip)
        case Switch(on):
            return _switch(scene, on=on)
        case Correct():
            return _correct(scene, command)


def _approve(scene: Scene, request: Request, command: Approve) -> CommandError | None:
    """Append-only, like corrections."""
    connection, key = scene.connection, scene.key
    budget = budget_figures.of_pull(connection, scene.stale.settings, key)
    if budget is None:
        return CommandError("pull requests have no budget here: `budget_pull_usd` in the settings")
    if not budget.is_over:
        limit = f" of {show(budget.budget_micros)}" if scene.repository.private else ""
        return CommandError(f"it is within its budget{limit}, so there is nothing to approve")
    pull = pull_store.details_of_pull(connection, key)
    if scene.stale.settings.approvals == "others" and request.by.id in pull.people_ids:
        return CommandError(
            "whoever opened this pull request or wrote a commit of it cannot approve it: `approvals: others` in the settings"
        )
    seen_micros = budget_store.quote(connection, key, request.seen_until_ms)
    if seen_micros is None:
        return CommandError(_NOT_SEEN)
    cost_micros = min(seen_micros, budget.spend.priced_micros)
    up_to_micros = may_cost(cost_micros, budget.budget_micros)
    if up_to_micros < budget.spend.priced_micros:
        return CommandError(_COSTS_MORE)
    approval = Approval(
        comment_id=request.comment_id, said_at=request.at, reason=command.reason, up_to_micros=up_to_micros
    )
    facts = {"approved_at_ms": to_ms(request.at), "cost_micros": cost_micros}
    budget_store.save_approval(scene.bot.database, connection, key, approval, request.by.login, **facts)
    scene.stale.note(connection, Fact.APPROVAL, Change(repository=key.repository, pulls=[key.number]))
    return None


def _refresh(scene: Scene, skip: str) -> Reply | None:
    connection, key = scene.connection, scene.key
    repository_store.note(connection, key.repository, settings_read_at_ms=0)
    facts = pull_store.facts_of_pull(connection, key)
    if facts is not None:
        concerned = clue_store.concerned_by_pulls(connection, key.repository, [facts])
        session_store.request(connection, key.repository, concerned)
    scene.stale.note(connection, Fact.REFRESH, Change(repository=key.repository, pulls=[key.number]))
    return Reply(f"Everything is read again. So far there is no comment here: {REASONS[Skip(skip)]}.") if skip else None


def _switch(scene: Scene, *, on: bool) -> None:
    connection, key = scene.connection, scene.key
    pull_store.note(connection, key, comment_on=on)
    if on:  # also where a person deleted the comment
        publication_store.end_silence(connection, key, COMMENT)
    scene.stale.note(connection, Fact.SWITCH, Change(repository=key.repository, pulls=[key.number]))


def _correct(scene: Scene, command: Correct) -> Correction | CommandError:
    connection, key = scene.connection, scene.key
    sessions = session_store.by_name(connection, key.repository, command.session)
    if len(sessions) != 1:
        return CommandError(_which(command.session, len(sessions)))
    numbers = [number for number, _ in command.weights]
    missing = [f"#{other}" for other in numbers if pull_store.pull(connection, key.repository.pull(other)) is None]
    if missing:
        return CommandError(f"there is no pull request {' or '.join(missing)} here that Mergecost knows")
    correction = Correction(
        said_at=from_ms(scene.bot.clock()),
        tool=sessions[0][0],
        session_id=sessions[0][1],
        says="link",
        weights=command.weights or ((key.number, 1),),
        why=command.why,
    )
    if command.says == "confirm":
        return _confirm(scene, correction, command.session)
    return msgspec.structs.replace(correction, says=command.says)


def _confirm(scene: Scene, correction: Correction, name: str) -> Correction | CommandError:
    """As much is confirmed as there is: what arrives later for the same session is not."""
    session = (correction.tool, correction.session_id)
    entries = ledger_store.charges_of(scene.connection, scene.key.repository, [session])[session]
    turns = session_of(entry.charge.usage for entry in entries)
    whys = doubts(turns)
    if not whys:
        return CommandError(f"nothing of session `{name}` is unconfirmed")
    tokens, reported_micros = extent(turns.turns[i].usage for i in whys)
    return msgspec.structs.replace(
        correction, says="confirm", weights=(), tokens=tokens, reported_micros=reported_micros
    )


def _rebuild(scene: Scene, name: str) -> CommandError | None:
    connection, settings = scene.connection, scene.stale.settings
    week = week_named(name, settings.zone)
    if week is None:
        return CommandError(f"there is no week `{name}`")
    if week.to_at > from_ms(scene.bot.clock()):
        return CommandError(f"the week `{name}` is not over yet")
    key = scene.key.repository.week(week.name)
    place = weekly.place_of(connection, scene.bot.operator, scene.repository, week_store.week(connection, key))
    if isinstance(place, str):
        return CommandError(place)
    week_store.add(scene.bot.database, connection, key)
    # Also where a person deleted it, or it was quiet.
    week_store.end_silence(connection, key)
    queue.request(connection, [week_work(key)], scene.bot.clock())
    return None


def _which(session: str, count: int) -> str:
    if count:
        return f"`{session}` names {count} sessions: use the short id that the comment shows, or the whole id that the tool gave it"
    return f"no session `{session}` has reached Mergecost for this repository: use the short id that the comment shows"
