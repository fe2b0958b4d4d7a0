"""What the check run *Mergecost* on a pull request's head commit says: its cost, and with `enforce` the approval that it needs.

It blocks only on a sum over the budget, never on unknown costs, missing sessions or a failure of the server.
"""

from bot.comment import budget, headline, notes
from bot.comment.view import CommentView
from bot.github.write_check import CheckText
from bot.markdown import share_of, small


def text(view: CommentView, *, private: bool) -> CheckText:
    """In public, sums alone; sessions and suggestions stand in no check run."""
    sections = (headline.render, budget.render, notes.render) if private else (headline.render, budget.render)
    summary = "\n\n".join(part for section in sections if (part := section(view)))
    if not view.cost.total.requests:
        return CheckText(
            "neutral", "No AI work is known", "No AI work that reached Mergecost is booked to this change."
        )
    summary += "\n\n" + small(
        "List price of the day for the tokens used, not an invoice. Only what reached Mergecost is counted."
    )
    limit = view.cost.budget
    if limit is None or not view.is_enforced or not limit.is_over:
        return CheckText("neutral", _title(view), summary)
    if limit.needs_approval:
        return CheckText("action_required", f"{_title(view)}: needs an approval", summary, has_button=True)
    return CheckText("success", f"{_title(view)}: approved", summary)


def _title(view: CommentView) -> str:
    cost, budget = view.cost.total, view.cost.budget
    if not cost.is_known:
        return cost.note()
    title = f"{cost.show()} at list price"
    if budget is None:
        return title
    return f"{title}, {share_of(budget.spend.priced_micros, budget.budget_micros)} of the budget"
