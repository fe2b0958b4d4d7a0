"""What the change cost, first and in bold, with the kind of money in words."""

from attribution.money import show
from attribution.usual import Usual
from bot.comment.view import CommentView


def render(view: CommentView) -> str:
    cost = view.cost.total
    if not cost.requests and view.cost.unconfirmed:
        return "**No AI work on this change is confirmed.**"
    if not cost.requests:
        return "**No AI work is booked to this change any more.** What was here counts elsewhere now."
    if not cost.is_known:
        return f"**AI work on this change: {cost.note()}.**"
    what = f"**This change cost {amount(view)}** of AI work {cost.kind_of_price}{cost.note(', and ')}."
    return f"{what}{_usual(view.usual)}"


def amount(view: CommentView) -> str:
    """What is known of the cost: at least that, where somebody who wrote commits of it does not report."""
    known = view.cost.total.amount
    return f"at least {known}" if view.coverage.is_partial and not known.startswith("under") else known


def _usual(usual: Usual | None) -> str:
    """The yardstick: the middle half of what merges cost."""
    return f" Usual here: {show(usual.low_micros)} – {show(usual.high_micros)}." if usual else ""
