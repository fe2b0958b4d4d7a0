"""Work that is booked nowhere and may belong here: a person decides, and says how."""

from attribution.money import show
from attribution.report import Suggestion
from bot.comment.view import CommentView, reason, tool_title
from bot.markdown import code, count, folded, text

MOST = 10


def render(view: CommentView) -> str:
    if not view.suggestions:
        return ""
    lines = [_line(one, view.cost.number) for one in view.suggestions[:MOST]]
    if hidden := view.suggestions[MOST:]:
        lines.append(f"- {count(len(hidden), 'more session')}")
    ask = f"Does one of these belong here? Say {code(f'/mergecost link {view.suggestions[0].short_id}')} in a comment."
    return folded("Not counted here, though it may belong", "\n".join([*lines, "", ask]))


def _line(one: Suggestion, number: int) -> str:
    amount = "Cost not known" if one.micros is None else show(one.micros)
    why = reason(one.why, number)
    return f"- **{amount}** {code(one.short_id)} {text(tool_title(one.tool))}, {count(one.requests, 'request')}: {why}"
