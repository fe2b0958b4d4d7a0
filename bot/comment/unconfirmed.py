"""What looks invented, beside the figures: in none of them until somebody confirms it."""

from attribution.cost import ZERO
from attribution.report import Suggestion
from attribution.tools import title
from bot.comment.suggestions import rest_line
from bot.comment.view import CommentView, reason
from bot.markdown import code, count, text

MOST = 10


def render(view: CommentView) -> str:
    parts = view.cost.unconfirmed
    if not parts:
        return ""
    lines = [_line(part, view.cost.number) for part in parts[:MOST]]
    if rest := parts[MOST:]:
        lines.append(rest_line(rest))
    ask = f"Is it real? Somebody with write access says {code('/mergecost confirm ' + parts[0].short_id)} in a comment."
    return "\n".join([f"{in_short(view)} It looks invented and is in no figure here.", "", *lines, "", ask])


def in_short(view: CommentView) -> str:
    """The amount, without sessions."""
    cost = sum((part.cost for part in view.cost.unconfirmed), ZERO)
    return f"**Unconfirmed: {cost.show()}** in {count(cost.requests, 'request')}." if cost.requests else ""


def _line(part: Suggestion, number: int) -> str:
    session = f"{code(part.short_id)} {text(title(part.tool))}, {count(part.cost.requests, 'request')}"
    return f"- **{part.cost.show()}** {session}: {reason(part.why, number)}"
