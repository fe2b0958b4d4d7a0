"""The comments of pull requests and issues: gather what the ledger says, render it, publish it if it differs."""

from attribution.issues import issues_of_pulls
from attribution.money import from_usd
from attribution.report import PullRequestCost
from bot import budgets, weekly
from bot.clock import from_ms, to_ms
from bot.comment import OFF, render
from bot.comment.issue import render_issue
from bot.context import Bot
from bot.figures import costs
from bot.figures.pull import Known, view_of
from bot.github.write_comment import NotYet, put_comment
from bot.repository_settings import RepositorySettings
from bot.store import issues as issue_store
from bot.store import publications as publication_store
from bot.store import pulls as pull_store
from bot.store import repositories as repository_store
from bot.store.commands import PullKey
from bot.work import queue
from bot.work.queue import Claimed, Wanted


async def comment(bot: Bot, claimed: Claimed) -> None:
    """Bring one pull request's comment up to date."""
    installation_id, repository_id, number = claimed.ids
    key = (installation_id, repository_id, number)
    with bot.database.read() as connection:
        repository = repository_store.repository(connection, installation_id, repository_id)
        pull = pull_store.pull(connection, key)
        if repository is None or pull is None:
            return
        settings, problem = bot.repository_settings(repository)
        known = pull_store.known_pulls(connection, installation_id, repository_id)
        view = view_of(connection, key, known, settings, problem, from_ms(bot.clock()))
        held = publication_store.publication(connection, key, "pull")
    _want_others(bot, key, settings, known, view.cost)
    if view.cost.budget is not None:
        budgets.note_budgets(bot, claimed, repository, [view.cost.budget])
    is_there = held is not None and held.comment_id is not None
    if not pull.comment_on:
        if is_there:
            await put_comment(bot, claimed, repository.full_name, "pull", OFF)
        return
    if _is_wanted(settings, repository.private, view.cost, is_there):
        await put_comment(bot, claimed, repository.full_name, "pull", render(view))


async def issue_comment(bot: Bot, claimed: Claimed) -> None:
    """Bring the comment about the cost of one issue up to date: made when it is closed, kept true from then on."""
    installation_id, repository_id, number = claimed.ids
    key = (installation_id, repository_id, number)
    with bot.database.read() as connection:
        repository = repository_store.repository(connection, installation_id, repository_id)
        cost = costs.of_issue(connection, key)
        if repository is None or cost is None:
            return
        held = publication_store.publication(connection, key, "issue")
    settings, _ = bot.repository_settings(repository)
    is_there = held is not None and held.comment_id is not None
    wanted = settings.comments_in(private=repository.private) and settings.comment_on_issues
    enough = cost.micros >= from_usd(settings.minimum_usd) and (cost.micros > 0 or cost.unpriced_requests > 0)
    if wanted and (is_there or (cost.is_closed and enough)):
        await put_comment(bot, claimed, repository.full_name, "issue", render_issue(cost))


def settled(bot: Bot, claimed: Claimed) -> None:
    """A merge has lasted long enough to say so. Raises `NotYet` where the settings ask for longer by now."""
    installation_id, repository_id, number = claimed.ids
    with bot.database.write() as connection:
        repository = repository_store.repository(connection, installation_id, repository_id)
        pull = pull_store.facts_of_pull(connection, (installation_id, repository_id, number))
        if repository is None or pull is None or pull.merged_at is None:
            return
        at_ms = to_ms(pull.merged_at + bot.repository_settings(repository)[0].survives_after)
        if at_ms > bot.clock():
            raise NotYet(at_ms)
        queue.want(bot.database, connection, {Wanted("comment", claimed.key): 1}, bot.clock())


def _want_others(bot: Bot, key: PullKey, settings: RepositorySettings, known: Known, cost: PullRequestCost) -> None:
    """What else tells of this pull request's money: its check run, its issues' comments, and the weeks since work on it began."""
    pulls, details = known
    pull = pulls.get(key[2])
    with bot.database.write() as connection:
        issues = issue_store.known_issues(connection, *key[:2])
        links = issues_of_pulls({key[2]: pull} if pull else {}, details, issues)
        issue_store.want_comments(bot.database, connection, key[:2], links.get(key[2], ()), bot.clock())
        queue.want(bot.database, connection, {Wanted("check", "/".join(map(str, key))): 1}, bot.clock())
        times = [
            *(session.from_at for session in cost.sessions),
            *([pull.merged_at] if pull and pull.merged_at else []),
        ]
        weekly.want_since(bot, connection, settings, key[:2], [to_ms(at) for at in times])


def _is_wanted(settings: RepositorySettings, private: bool, cost: PullRequestCost, is_there: bool) -> bool:
    """Where a comment is wanted at all; one that is there is kept true even when little is left to say."""
    if not settings.comments_in(private=private):
        return False
    if is_there:
        return True
    priced_enough = cost.micros >= from_usd(settings.minimum_usd) and cost.micros > 0
    return cost.requests > 0 and (priced_enough or cost.unpriced_requests > 0)
