"""How much of its budget the pull request has used, and whether somebody approved more."""

from attribution.budget import Budget
from attribution.forecast import Forecast
from attribution.money import show
from bot.comment.view import CommentView
from bot.markdown import bar, code, count, share_of, text


def render(view: CommentView) -> str:
    budget = view.cost.budget
    if budget is None or not view.cost.total.requests:
        return ""
    spend_micros, whole = budget.spend.priced_micros, budget.budget_micros
    if budget.spend.is_known:
        part, note = share_of(spend_micros, whole), budget.spend.note(", without ")
        line = f"{bar(spend_micros, whole)} {part} of the {show(whole)} budget{note}"
    else:
        line = f"{bar(spend_micros, whole)} {budget.spend.show().capitalize()}, of the {show(whole)} budget"
    return f"{line}.{_approval(budget, is_enforced=view.is_enforced)}{_likely(view.forecast)}"


def _likely(forecast: Forecast | None) -> str:
    """What it may come to, and how far off the same forecast was before."""
    if forecast is None:
        return ""
    record = forecast.track_record
    return (
        f" Likely to end between {show(forecast.low_micros)} and {show(forecast.high_micros)}, as others like it did. "
        f"The median miss of this forecast was {record.error_percent}% over {count(record.cases, 'merge')}."
    )


def _approval(budget: Budget, *, is_enforced: bool) -> str:
    if not budget.is_over:
        return ""
    if budget.approval:
        approval = budget.approval
        return (
            f" Approved on {approval.said_at:%-d %b %Y} up to {show(approval.up_to_micros)}: {text(approval.reason)}."
        )
    if is_enforced:
        return (
            f" **It needs an approval:** somebody with write access says {code('/mergecost approve REASON')} in a comment, "
            "or presses *Approve* in the check run."
        )
    return ""
