"""What the figures lack, said plainly. People are counted, never named."""

from bot.issue.kinds import pull
from bot.issue.view import WeekView
from bot.markdown import count, folded

MOST = 20


def render(view: WeekView) -> str:
    lines = [line for line in (_people(view), _merges(view), _prices(view), _tokens(view)) if line]
    return folded("What we cannot see", "\n".join(f"- {line}" for line in lines)) if lines else ""


def _people(view: WeekView) -> str:
    seen = view.cost.coverage
    if not seen.people:
        return ""
    if seen.people == seen.seen_people:
        return f"Sessions reach us from everybody ({seen.people}) whose commits were merged."
    return f"Sessions reach us from {seen.seen_people} of the {count(seen.people, 'person', 'people')} whose commits were merged."


def _merges(view: WeekView) -> str:
    unseen = view.cost.unseen_merges
    if not unseen:
        return ""
    names = ", ".join(pull(view, number) for number in unseen[:MOST]) + (" and others" if len(unseen) > MOST else "")
    merges = count(len(unseen), "merge")
    return f"{merges} without AI work that we saw, in no median: {names}. What they cost is not known; it is not $0."


def _prices(view: WeekView) -> str:
    unpriced = view.cost.unpriced_requests
    return (
        f"{count(unpriced, 'request')} of {view.cost.requests:,} to a model without a known price." if unpriced else ""
    )


def _tokens(view: WeekView) -> str:
    silent = sorted({row.tool for row in view.cost.rows if not row.tokens_known})
    return f"No tokens are told by: {', '.join(silent)}." if silent else ""
