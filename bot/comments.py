"""What a pull request says of its cost on GitHub: the comment and the check run, from one view; and the comment on an issue."""

from enum import StrEnum

import msgspec
from sqlalchemy import Connection

from attribution.cost import Cost
from attribution.money import from_usd
from attribution.report import PullRequestCost
from bot import budgets, checks, weekly
from bot.clock import from_ms, to_ms
from bot.comment import OFF, render
from bot.comment.issue import render_issue
from bot.comment.view import CommentView
from bot.context import Bot
from bot.errors import NotYet
from bot.figures import issue as issue_figures
from bot.figures import usual as usual_figures
from bot.figures.breakdown import pull_facts
from bot.figures.pull import view_of
from bot.github.client import Missing, Refusal
from bot.github.write_check import KIND as CHECK
from bot.github.write_check import put_check
from bot.github.write_comment import COMMENT, CommentText, put_comment
from bot.keys import PullKey, RepositoryKey
from bot.repository_settings import RepositorySettings
from bot.store import budgets as budget_store
from bot.store import publications as publication_store
from bot.store import pulls as pull_store
from bot.store import repositories as repository_store
from bot.store.tables import Publication, Pull, Repository
from bot.work.queue import Lease, Work
from bot.work.stale import Change, Delay, Fact, Stale

ISSUE = "issue"


class Skip(StrEnum):
    """Why a pull request has no comment. The value is stored, `REASONS` says it to people."""

    SWITCHED_OFF_HERE = "switched off here"
    SWITCHED_OFF = "switched off"
    PUBLIC = "public"
    NO_WORK = "no work"
    MINIMUM = "minimum"
    DELETED = "deleted"
    LOCKED = "locked"


REASONS: dict[Skip, str] = {
    Skip.SWITCHED_OFF_HERE: "`/mergecost off` switched it off on this pull request; `/mergecost on` brings it back",
    Skip.SWITCHED_OFF: "`comment` is off in the settings",
    Skip.PUBLIC: "the repository is public, and `comment_on_public` is not set",
    Skip.NO_WORK: "no AI work that reached Mergecost is booked to it",
    Skip.MINIMUM: "its cost is below `minimum_usd` of the settings",
    Skip.DELETED: "a person deleted the comment; `/mergecost on` brings it back",
    Skip.LOCKED: "the conversation is locked",
}


class _Scene(msgspec.Struct, frozen=True):
    """One pull request as it is stored now, and what GitHub shows of it: the same for the check run and the comment. `work`: what
    else says its money."""

    repository: Repository
    settings: RepositorySettings
    row: Pull
    view: CommentView
    comment: Publication | None
    check: Publication | None
    work: list[tuple[Delay, list[Work]]]


async def pull(bot: Bot, lease: Lease) -> bool:
    """Bring one pull request's check run and comment up to date. Raises `NotYet`. True once the lease is finished."""
    scene = _scene(bot, lease.pull)
    if scene is None:
        return False
    if scene.work:
        with bot.database.write() as connection:
            bot.stale(scene.repository).request(connection, scene.work)
    if scene.view.cost.budget is not None:
        budgets.note(bot, lease, scene.repository, [scene.view.cost.budget])
    # Never further ahead than data settles: a clock that was set back would make it wait for hours.
    latest_ms = bot.clock() + scene.settings.settle_seconds * 1000
    waits = bot.clock() < scene.row.comment_due_at_ms <= latest_ms
    if waits or _is_there(scene.comment):
        await _put_check(bot, lease, scene)
    if waits:
        raise NotYet(scene.row.comment_due_at_ms)
    if _is_there(scene.comment) or not _wants_check(scene):
        return await _put_comment(bot, lease, scene, is_last=True)
    try:
        await _put_comment(bot, lease, scene)
    except (Missing, Refusal):  # the check run is right where GitHub will not have a comment
        await _put_check(bot, lease, scene)
        raise
    await _put_check(bot, lease, _with_link(bot, lease.pull, scene))
    return False


def _scene(bot: Bot, key: PullKey) -> _Scene | None:
    now_ms = bot.clock()
    with bot.database.read() as connection:
        repository = repository_store.repository(connection, key.repository)
        row = pull_store.pull(connection, key)
        if repository is None or row is None:
            return None
        settings, problem = bot.repository_settings(repository)
        usual, is_new = usual_figures.of_repository(connection, repository, from_ms(now_ms))
        view = view_of(connection, key, settings, problem, from_ms(now_ms), usual)
        published = publication_store.of_pull_request(connection, key)
        comment = published.get(COMMENT)
        url = _url(bot, repository, key, comment)
        view = msgspec.structs.replace(view, how_url=bot.settings.how_url, comment_url=url)
        if repository.private:
            view = msgspec.structs.replace(view, weekly_problem=weekly.problem(connection, bot.operator, repository))
        scene = _Scene(
            repository=repository,
            settings=settings,
            row=row,
            view=view,
            comment=comment,
            check=published.get(CHECK),
            work=_dependent_work(connection, bot.stale(repository), row, view),
        )
    if is_new:
        with bot.database.write() as connection:
            state = {"usual": usual_figures.encoded(usual), "usual_at_ms": now_ms}
            repository_store.note(connection, key.repository, **state)
    return scene


async def _put_check(bot: Bot, lease: Lease, scene: _Scene) -> None:
    if _wants_check(scene):
        settings, view, repository = scene.settings, scene.view, scene.repository
        text = checks.text(view, settings, private=repository.private)
        await put_check(bot, lease, repository.full_name, view.head_sha, text, scene.check)


def _wants_check(scene: _Scene) -> bool:
    """Where it may be a required check, it is there even with nothing to say; and where it is known that nothing was used."""
    settings, view = scene.settings, scene.view
    is_known = view.cost.total.requests or view.cost.unconfirmed or view.coverage.is_complete
    is_wanted = is_known or settings.enforce or scene.check is not None
    return bool(settings.check and scene.row.closed_at_ms is None and view.head_sha and is_wanted)


async def _put_comment(bot: Bot, lease: Lease, scene: _Scene, *, is_last: bool = False) -> bool:
    """Write the comment, or note why there is none. True once the lease is finished."""
    skip = skip_of(scene.settings, scene.repository, scene.row, scene.comment, scene.view.cost)
    if scene.row.skip != (skip or ""):
        with bot.database.write() as connection:
            pull_store.note(connection, lease.pull, skip=skip or "")
    if skip is None:
        text = render(scene.view)
    elif skip == Skip.SWITCHED_OFF_HERE and _is_there(scene.comment):
        text = OFF
    else:
        return False
    text_of_comment = CommentText(COMMENT, text)
    is_finished = await put_comment(
        bot, lease, scene.repository.full_name, text_of_comment, scene.comment, is_last=is_last
    )
    budget = scene.view.cost.budget
    if skip is None and budget is not None and budget.needs_approval:
        with bot.database.write() as connection:
            budget_store.save_quote(bot.database, connection, lease.pull, budget.spend.priced_micros, bot.clock())
    return is_finished


def skip_of(
    settings: RepositorySettings, repository: Repository, row: Pull, comment: Publication | None, cost: PullRequestCost
) -> Skip | None:
    """Why a pull request gets no comment; None if it gets one. One that is there is kept true even when little is left to say."""
    is_there = _is_there(comment)
    reasons = {
        Skip.SWITCHED_OFF_HERE: not row.comment_on,
        Skip.SWITCHED_OFF: not settings.comment,
        Skip.PUBLIC: not settings.comments_in(private=repository.private),
        Skip.LOCKED: comment is not None and comment.state == "locked",
        Skip.DELETED: comment is not None and comment.state == "deleted",
        Skip.NO_WORK: not is_there and not cost.total.requests and not cost.unconfirmed,
        Skip.MINIMUM: not is_there and not _is_enough(settings, cost.total) and not cost.unconfirmed,
    }
    return next((skip for skip, holds in reasons.items() if holds), None)


async def issue(bot: Bot, lease: Lease) -> None:
    """Bring the comment about the cost of one issue up to date: written when it is closed, kept true from then on."""
    key = lease.pull
    with bot.database.read() as connection:
        repository = repository_store.repository(connection, key.repository)
        cost = issue_figures.cost_of(connection, key)
        if repository is None or cost is None:
            return
        comment = publication_store.publication(connection, key, ISSUE)
    settings, _ = bot.repository_settings(repository)
    is_allowed = settings.comments_in(private=repository.private) and settings.comment_on_issues
    if is_allowed and (_is_there(comment) or (cost.is_closed and _is_enough(settings, cost.total))):
        text = CommentText(ISSUE, render_issue(cost, bot.settings.how_url))
        await put_comment(bot, lease, repository.full_name, text, comment)


def survival(bot: Bot, lease: Lease) -> None:
    """A merge has lasted long enough to say so. Raises `NotYet` where the settings ask for longer by now."""
    key = lease.pull
    with bot.database.write() as connection:
        repository = repository_store.repository(connection, key.repository)
        facts = pull_store.facts_of_pull(connection, key)
        if repository is None or facts is None or facts.merged_at is None:
            return
        stale = bot.stale(repository)
        at_ms = to_ms(facts.merged_at + stale.settings.survives_after)
        if at_ms > bot.clock():
            raise NotYet(at_ms)
        stale.note(connection, Fact.SURVIVAL, Change(repository=key.repository, pulls=[key.number]))


def _dependent_work(
    connection: Connection, stale: Stale, row: Pull, view: CommentView
) -> list[tuple[Delay, list[Work]]]:
    """What else says this pull request's money: its issues' comments, and the weeks since work on it began."""
    key = RepositoryKey(row.account_id, row.repository_id)
    times_ms = [to_ms(session.from_at) for session in view.cost.sessions]
    times_ms += [row.merged_at_ms] if row.merged_at_ms is not None else []
    issues = pull_facts(connection, key, [row.number]).links.get(row.number, ())
    return stale.work(connection, Fact.PULL_COST, Change(repository=key, issues=issues, times_ms=times_ms))


def _with_link(bot: Bot, key: PullKey, scene: _Scene) -> _Scene:
    with bot.database.read() as connection:
        comment = publication_store.publication(connection, key, COMMENT)
    url = _url(bot, scene.repository, key, comment)
    return msgspec.structs.replace(scene, view=msgspec.structs.replace(scene.view, comment_url=url))


def _url(bot: Bot, repository: Repository, key: PullKey, comment: Publication | None) -> str:
    """Of the comment; empty where there is none."""
    if comment is None or comment.comment_id is None or comment.state != "live":
        return ""
    return f"{bot.settings.github_url}/{repository.full_name}/pull/{key.number}#issuecomment-{comment.comment_id}"


def _is_there(comment: Publication | None) -> bool:
    return comment is not None and comment.comment_id is not None


def _is_enough(settings: RepositorySettings, cost: Cost) -> bool:
    """Whether a cost is worth a comment: one that is not known always is, however little is priced of it."""
    micros = cost.priced_micros
    return cost.unpriced_requests > 0 or (micros > 0 and micros >= from_usd(settings.minimum_usd))
