"""How much of the spend reaches Mergecost. People are counted, never named."""

from attribution.tools import title
from bot.issue.kinds import pull
from bot.issue.view import WeekView
from bot.markdown import count, listed, text

MOST = 20


def render(view: WeekView) -> str:
    lines = [line for line in (_people(view), _merges(view), _tokens(view)) if line]
    return " ".join(lines)


def _people(view: WeekView) -> str:
    people, senders = view.cost.coverage.people, view.cost.coverage.seen_people
    if not people:
        return ""
    if senders == people:
        whose = "the one person" if people == 1 else f"all {people:,} people"
        return f"**Seen:** sessions of {whose} whose commits were merged."
    whose = (
        f"{senders:,} of {count(people, 'person', 'people')}"
        if senders
        else f"none of {count(people, 'person', 'people')}"
    )
    return f"**Seen:** sessions of {whose} whose commits were merged; what the others used is not known."


def _merges(view: WeekView) -> str:
    silent_merges = view.cost.unseen_merges
    if not silent_merges:
        return ""
    rest = ["others"] if len(silent_merges) > MOST else []
    names = listed([*(pull(view, number) for number in silent_merges[:MOST]), *rest])
    merges = count(len(silent_merges), "merge")
    are, they = ("is", "it") if len(silent_merges) == 1 else ("are", "they")
    return f"{merges} without AI work of known price {are} in no figure, since what {they} cost is not known: {names}."


def _tokens(view: WeekView) -> str:
    silent = sorted({title(row.tool) for row in view.cost.rows if not row.tokens_known})
    return f"No tokens are reported by {text(listed(silent))}." if silent else ""
