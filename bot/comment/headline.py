"""What the change cost, first and in bold, with the kind of money in words."""

from attribution.money import show
from bot.comment.view import CommentView
from bot.markdown import count


def render(view: CommentView) -> str:
    cost = view.cost
    if not cost.requests:
        return "**No AI work is booked to this change any more.** What was here counts elsewhere now."
    if cost.unpriced_requests == cost.requests:
        requests = count(cost.requests, "request")
        return f"**AI work on this change: {requests}, at a price we do not know.**"
    more = ", and more at a price we do not know" if cost.unpriced_requests else ""
    return f"**This change cost {show(cost.micros)}** of AI work at list price{more}."
