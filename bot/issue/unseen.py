"""How much of the spend reaches Mergecost. People are counted, never named."""

from bot.comment.view import tool_title
from bot.issue.kinds import pull
from bot.issue.view import WeekView
from bot.markdown import count, text

MOST = 20


def render(view: WeekView) -> str:
    lines = [line for line in (_people(view), _merges(view), _tokens(view)) if line]
    return " ".join(lines)


def _people(view: WeekView) -> str:
    people, seen = view.cost.coverage.people, view.cost.coverage.seen_people
    if not people:
        return ""
    if seen == people:
        whose = "the one person" if people == 1 else f"all {people:,} people"
        return f"**Seen:** sessions of {whose} whose commits were merged."
    whose = (
        f"{seen:,} of {count(people, 'person', 'people')}" if seen else f"none of {count(people, 'person', 'people')}"
    )
    return f"**Seen:** sessions of {whose} whose commits were merged; what the others used is not known."


def _merges(view: WeekView) -> str:
    unseen = view.cost.unseen_merges
    if not unseen:
        return ""
    names = ", ".join(pull(view, number) for number in unseen[:MOST]) + (" and others" if len(unseen) > MOST else "")
    merges = count(len(unseen), "merge")
    are, they = ("is", "it") if len(unseen) == 1 else ("are", "they")
    return f"{merges} without AI work of known price {are} in no figure, since what {they} cost is not known: {names}."


def _tokens(view: WeekView) -> str:
    silent = sorted({tool_title(row.tool) for row in view.cost.rows if not row.tokens_known})
    return f"No tokens are told by {text(', '.join(silent))}." if silent else ""
