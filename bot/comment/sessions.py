"""The sessions behind the figure, and why each counts here. Sessions, never people."""

from attribution.cost import ZERO, column, marked
from attribution.money import show
from attribution.report import SessionPart
from attribution.tools import title
from bot.comment.view import CommentView, reason
from bot.markdown import NO_BREAK, code, count, folded, share_of, text

MOST = 30


def render(view: CommentView) -> str:
    parts = view.cost.sessions
    if not parts:
        return ""
    first, rest = parts[:MOST], parts[MOST:]
    costs = [part.cost for part in first] + ([sum((part.cost for part in rest), ZERO)] if rest else [])
    amounts = column(costs)
    lines = [_line(part, amount, view.cost.number) for part, amount in zip(first, amounts, strict=False)]
    if rest:
        lines.append(f"- **{amounts[-1]}** {count(len(rest), 'more session')}")
    correct = (
        f"A session in the wrong place? {code('/mergecost unlink ' + parts[0].short_id)} in a comment takes it off; "
    )
    correct += f"{code('split')} shares it between pull requests, {code('link')} brings one here."
    return folded("Sessions, and why they count here", "\n".join([*lines, "", correct]))


def _line(part: SessionPart, amount: str, number: int) -> str:
    reasons = "; ".join(reason(why, number) for why in part.why[:3])
    return f"- **{amount}** {code(part.short_id)} {text(title(part.tool))}, {_when(part)}{_part(part)}: {reasons}"


def _when(part: SessionPart) -> str:
    """In UTC, as everything here."""
    start, end = part.from_at, part.to_at
    first, last = f"{start:%-d %b %H:%M}", f"{end:%-d %b %H:%M}"
    if first == last:
        return first
    if start.date() == end.date():
        last = f"{end:%H:%M}"
    return f"{first}{NO_BREAK}–{NO_BREAK}{last}"


def _part(part: SessionPart) -> str:
    """How much of the session is meant, when it is not all of it."""
    micros, own = part.cost.priced_micros, part.session_reported_micros
    whole = (part.session_list_micros or 0) + own
    if not part.cost.is_known or micros == whole:
        return ""
    return f" ({share_of(micros, whole)} of its {marked(show(whole), own)})"
