"""What the change cost, first and in bold, with the kind of money in words."""

from bot.comment.view import CommentView


def render(view: CommentView) -> str:
    cost = view.cost.total
    if not cost.requests and view.cost.unconfirmed:
        return "**No AI work on this change is confirmed.**"
    if not cost.requests:
        return "**No AI work is booked to this change any more.** What was here counts elsewhere now."
    if not cost.is_known:
        return f"**AI work on this change: {cost.note()}.**"
    return f"**This change cost {cost.show()}** of AI work {view.cost.kind_of_price}{cost.note(', and ')}."
