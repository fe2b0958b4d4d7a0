"""The comment of one pull request: gather what the ledger says, render it, publish it if it differs."""

from attribution.money import from_usd
from attribution.report import PullRequestCost, pull_request_cost
from bot import ledger_store, store, talk_store
from bot.comment import OFF, render
from bot.comment.view import CommentView
from bot.context import Bot
from bot.jobs import Claimed
from bot.publish import put_comment
from bot.repository_settings import RepositorySettings


async def comment(bot: Bot, claimed: Claimed) -> None:
    """Bring one pull request's comment up to date."""
    installation_id, repository_id, number = claimed.ids
    key = (installation_id, repository_id, number)
    with bot.database.read() as connection:
        repository = store.repository(connection, installation_id, repository_id)
        pull = store.pull(connection, key)
        if repository is None or pull is None:
            return
        booked = ledger_store.booked_to(connection, key)
        sessions = {(charge.usage.tool, charge.usage.session_id) for charge, _ in booked}
        totals = ledger_store.session_totals(connection, installation_id, repository_id, sessions)
        held = store.publication(connection, key, "pull")
        near = talk_store.suggested_to(connection, key)
    settings, problem = bot.repository_settings(repository)
    cost = pull_request_cost(number, booked, totals)
    is_there = held is not None and held.comment_id is not None
    if not pull.comment_on:
        if is_there:
            await put_comment(bot, claimed, repository.full_name, "pull", OFF)
        return
    if not _is_wanted(settings, repository.private, cost, is_there):
        return
    view = CommentView(cost=cost, head_sha=pull.head_sha, settings_problem=str(problem or ""), suggestions=tuple(near))
    await put_comment(bot, claimed, repository.full_name, "pull", render(view))


def _is_wanted(settings: RepositorySettings, private: bool, cost: PullRequestCost, is_there: bool) -> bool:
    """Where a comment is wanted at all; one that is there is kept true even when little is left to say."""
    if not settings.comment or not (private or settings.comment_on_public):
        return False
    if is_there:
        return True
    priced_enough = cost.micros >= from_usd(settings.minimum_usd) and cost.micros > 0
    return cost.requests > 0 and (priced_enough or cost.unpriced_requests > 0)
