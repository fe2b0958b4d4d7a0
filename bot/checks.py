"""The check run *Mergecost* on the head commit of a pull request: its cost, and with `enforce` the approval that it needs.

It never blocks on what is not known or not there, nor on a failure of ours: only on a sum over the budget.
"""

from attribution.money import show
from bot.clock import from_ms
from bot.comment import budget, headline, notes
from bot.comment.view import CommentView
from bot.context import Bot
from bot.figures import pull as pull_figures
from bot.github import write_check
from bot.github.write_check import CheckText
from bot.markdown import share_of, small
from bot.store import publications as publication_store
from bot.store import pulls as pull_store
from bot.store import repositories as repository_store
from bot.work.queue import Claimed


def text(view: CommentView, *, private: bool) -> CheckText:
    """In public, sums alone; sessions and suggestions stand in no check run."""
    sections = (headline.render, budget.render, notes.render) if private else (headline.render, budget.render)
    summary = "\n\n".join(part for section in sections if (part := section(view)))
    if not view.cost.requests:
        return CheckText(
            "neutral", "No AI work is known", "No AI work that reached Mergecost is booked to this change."
        )
    summary += "\n\n" + small(
        "List price of the day for the tokens used, not an invoice. Only what reached Mergecost is counted."
    )
    held = view.cost.budget
    if held is None or not view.is_enforced or not held.is_over:
        return CheckText("neutral", _title(view), summary)
    if held.needs_approval:
        return CheckText("action_required", f"{_title(view)}: needs an approval", summary, has_button=True)
    return CheckText("success", f"{_title(view)}: approved", summary)


async def check(bot: Bot, claimed: Claimed) -> None:
    """Bring the check run on one open pull request's head commit up to date. Raises `NotYet` for the worker."""
    installation_id, repository_id, number = claimed.ids
    key = (installation_id, repository_id, number)
    with bot.database.read() as connection:
        repository = repository_store.repository(connection, installation_id, repository_id)
        facts = pull_store.facts_of_pull(connection, key)
        if repository is None or facts is None or facts.closed_at is not None:
            return
        settings, problem = bot.repository_settings(repository)
        if not settings.check:
            return
        known = pull_store.known_pulls(connection, installation_id, repository_id)
        view = pull_figures.view_of(connection, key, known, settings, problem, from_ms(bot.clock()))
        held = publication_store.publication(connection, key, write_check.KIND)
    # Where it may be a required check, it is there even with nothing to say.
    if view.head_sha and (view.cost.requests or settings.enforce or held is not None):
        says = text(view, private=bool(repository.private))
        await write_check.put_check(bot, claimed, repository.full_name, view.head_sha, says)


def _title(view: CommentView) -> str:
    cost = view.cost
    if not cost.micros:
        return "At a price that is not known"
    title = f"{show(cost.micros)} at list price"
    if view.cost.budget is None:
        return title
    return f"{title}, {share_of(view.cost.budget.spent_micros, view.cost.budget.budget_micros)} of the budget"
