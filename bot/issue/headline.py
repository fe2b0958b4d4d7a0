"""Three sentences that a busy person reads: what a merge cost, what moved it, and what needs a decision.

An amount never follows a bracket: GitHub takes what is between `$1 (` and `$` for a formula.
"""

from attribution.money import show
from attribution.week import Figure, WeekCost
from bot.issue.reasons import change, moved, to_decide
from bot.issue.view import WeekView
from bot.markdown import count, phrase


def title(view: WeekView) -> str:
    """`AI spend, week 47 of 2026: $3.40 a merge`."""
    cost = view.cost
    where = f"{view.full_name}: " if view.full_name else ""
    what = f"{show(cost.per_merge.median_micros)} a merge" if cost.per_merge else f"{show(cost.micros)}, no merge"
    return f"{where}AI spend, week {cost.week.number} of {cost.week.year}: {what}"


def render(view: WeekView) -> str:
    problem = phrase(view.settings_problem)
    settings = f"Settings not applied: {problem}. The defaults hold meanwhile." if problem else ""
    lines = (_cost(view.cost), " ".join(part for part in (moved(view.cost), to_decide(view)) if part), settings)
    return "\n\n".join(line for line in lines if line)


def _cost(cost: WeekCost) -> str:
    now, before = cost.per_merge, cost.before_merge
    if now is None:
        merged = (
            f"{count(len(cost.unseen_merges), 'merge')} without any AI work that we saw" if cost.unseen_merges else ""
        )
        return f"**No merge this week whose cost we know**{f' ({merged})' if merged else ''}. {show(cost.micros)} was used."
    of = "the only one" if now.count == 1 else f"median of {now.count}, {_range(now)}"
    first = f"**A merge cost {show(now.median_micros)} this week** at list price ({of})"
    first += f", {_against(now, before)}." if before else ". There are no weeks before to compare with."
    return " ".join([first, *_standing(cost), *_issues(cost)])


def _range(figure: Figure) -> str:
    low, high = show(figure.low_micros), show(figure.high_micros)
    return f"half of them {low} to {high}" if figure.count >= 4 else f"{low} to {high}"


def _against(now: Figure, before: Figure) -> str:
    if change(now, before) == 0:
        return f"about as in the 8 weeks before, {show(before.median_micros)}"
    word = "up" if now.median_micros > before.median_micros else "down"
    return f"{word} from {show(before.median_micros)} in the 8 weeks before"


def _standing(cost: WeekCost) -> list[str]:
    """The merges that lasted, in words that are true before and after the time has passed."""
    now, lasting, before = cost.per_merge, cost.per_surviving, cost.before_surviving
    word = "survived" if cost.is_settled else "still stands"
    if lasting is None or now is None:
        return [f"None of them {'survived' if cost.is_settled else 'stands'}."]
    weeks = f" (before: {show(before.median_micros)})" if before else ""
    if lasting.count == now.count:
        return [f"A merge that {word} cost the same{weeks}: none was reverted."]
    return [
        f"A merge that {word} cost {show(lasting.median_micros)}{weeks}: {now.count - lasting.count} of {now.count} reverted."
    ]


def _issues(cost: WeekCost) -> list[str]:
    now, before = cost.per_issue, cost.before_issue
    if now is None:
        return []
    weeks = f" (before: {show(before.median_micros)})" if before else ""
    return [f"A closed issue cost {show(now.median_micros)}{weeks}."]
