"""How much of its budget the pull request has used, and whether somebody approved more."""

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
    return " ".join(part for part in (f"{line}.", _approval(view), _likely(view.forecast)) if part)


def to_approve(view: CommentView) -> str:
    """Who can approve it, and how, where it needs that."""
    budget = view.cost.budget
    if budget is None or not budget.needs_approval or not view.is_enforced:
        return ""
    who = "somebody with write access"
    if view.is_approved_by_others:
        who += " who neither opened this pull request nor wrote a commit of it"
    return (
        f"**It needs an approval:** {who} says {code('/mergecost approve REASON')} in a comment, "
        "or presses *Approve* in the check run."
    )


def _likely(forecast: Forecast | None) -> str:
    """What it may come to, and how far off the same forecast was before."""
    if forecast is None:
        return ""
    record = forecast.track_record
    return (
        f"Likely to end between {show(forecast.low_micros)} and {show(forecast.high_micros)}, as others like it did. "
        f"The median miss of this forecast was {record.error_percent}% over {count(record.cases, 'merge')}."
    )


def _approval(view: CommentView) -> str:
    budget = view.cost.budget
    if budget is None or not budget.is_over:
        return ""
    if approval := budget.approval:
        return f"Approved on {approval.said_at:%-d %b %Y} up to {show(approval.up_to_micros)}: {text(approval.reason)}."
    return to_approve(view)
