"""Work that is booked nowhere and may belong here: a person decides."""

from collections.abc import Sequence

from attribution.cost import ZERO
from attribution.report import Suggestion
from attribution.tools import title
from bot.comment.view import CommentView, reason
from bot.markdown import code, count, folded, text

MOST = 10


def render(view: CommentView) -> str:
    if not view.suggestions:
        return ""
    lines = [_line(suggestion, view.cost.number) for suggestion in view.suggestions[:MOST]]
    if rest := view.suggestions[MOST:]:
        lines.append(rest_line(rest))
    ask = f"Does one of these belong here? Say {code(f'/mergecost link {view.suggestions[0].short_id}')} in a comment."
    return folded("Not counted here, though it may belong", "\n".join([*lines, "", ask]))


def rest_line(rest: Sequence[Suggestion]) -> str:
    """What is not listed: the money of the list stays whole."""
    return f"- **{sum((part.cost for part in rest), ZERO).show()}** {count(len(rest), 'more session')}"


def _line(suggestion: Suggestion, number: int) -> str:
    cost, session = suggestion.cost, f"{code(suggestion.short_id)} {text(title(suggestion.tool))}"
    return f"- **{cost.show()}** {session}, {count(cost.requests, 'request')}: {reason(suggestion.why, number)}"
