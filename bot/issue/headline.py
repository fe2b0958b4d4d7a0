"""Three sentences that a busy person reads: what a merge cost, what moved it, and what needs a decision.

An amount never follows a bracket: GitHub takes what is between `$1 (` and `$` for a formula.
"""

from collections.abc import Sequence

from attribution.cost import marked
from attribution.money import Micros, show
from attribution.report import Suggestion
from attribution.week_report import Figure, WeekCost
from bot.issue.reasons import change, largest_change, to_decide
from bot.issue.view import WeekView
from bot.markdown import code, count, phrase

_MOST_SESSIONS = 10


def title(view: WeekView) -> str:
    """`AI spend, week 47 of 2026: $184.60, 14 merges, median $3.40`."""
    week = view.cost.week
    where = f"{view.full_name}: " if view.full_name else ""
    return f"{where}AI spend, week {week.number} of {week.year}: {_in_short(view.cost)}"


def render(view: WeekView) -> str:
    problem = phrase(view.settings_problem)
    settings = f"Settings not applied: {problem}. The defaults hold meanwhile." if problem else ""
    lines = (
        _cost(view.cost),
        " ".join(part for part in (largest_change(view.cost), to_decide(view)) if part),
        _unconfirmed(view.cost),
        settings,
    )
    return "\n\n".join(line for line in lines if line)


def _in_short(cost: WeekCost) -> str:
    used = cost.total.show() if cost.total.requests else "none seen"
    if now := cost.per_merge:
        return f"{used}, {count(now.count, 'merge')}, median {_marked(now.median_micros, now)}"
    if not cost.total.requests:
        return used
    return f"{used}, no merge of known cost" if cost.unseen_merges else f"{used}, no merge"


def _cost(cost: WeekCost) -> str:
    """The total, the merges, their mean and their median, each by its name."""
    now, before = cost.per_merge, cost.before_merge
    if now is None:
        return _no_merge(cost)
    merges = f"{count(now.count, 'merge')}{' of known cost' if cost.unseen_merges else ''}"
    median = _marked(now.median_micros, now)
    if now.count == 1:
        each, total = f"{median} over its whole life", ""
    else:
        each = f"{_marked(now.mean_micros, now)} each on average, {median} in the median"
        total = f"Over their whole lives they cost {_marked(now.total_micros, now)} together."
    than = f"The median is {_against(now, before)}." if before else "There are no merges before to compare with."
    return " ".join(part for part in (f"**{_used(cost)}; {merges}: {each}.**", total, than) if part)


def _marked(micros: Micros, figure: Figure) -> str:
    return marked(show(micros), figure.reported_micros)


def _used(cost: WeekCost) -> str:
    used = cost.total
    if not used.requests:
        return "No AI work was used this week"
    if not used.is_known:
        return f"AI work of this week: {used.note()}"
    return f"{used.amount} of AI work this week {used.kind_of_price}{used.note(', and ')}"


def _no_merge(cost: WeekCost) -> str:
    sentence = "**Nothing was merged this week.**"
    if cost.unseen_merges:
        merges = "its one merge" if len(cost.unseen_merges) == 1 else f"any of its {len(cost.unseen_merges):,} merges"
        sentence = f"**What a merge cost this week is not known**: no AI work of known price was seen on {merges}."
    if not cost.has_work:
        return f"{sentence} No AI work reached us."
    used = cost.total
    if not used.requests:
        return sentence
    if not used.is_known:
        return f"{sentence} AI work: {used.note()}."
    return f"{sentence} {used.amount} was used {used.kind_of_price}{used.note(', and ')}."


def _unconfirmed(cost: WeekCost) -> str:
    """In no sentence above. Pull requests name the sessions that would belong to them; the others are named here."""
    if not cost.unconfirmed.requests:
        return ""
    return (
        f"**Unconfirmed: {cost.unconfirmed.show()}** in {count(cost.unconfirmed.requests, 'request')} that may be invented. It "
        f"counts as soon as somebody with write access says {code('/mergecost confirm SESSION')} in a pull request."
        + _sessions(cost.unconfirmed_sessions)
    )


def _sessions(parts: Sequence[Suggestion]) -> str:
    if not parts:
        return ""
    named = [f"{part.cost.show()} in {code(part.short_id)}" for part in parts[:_MOST_SESSIONS]]
    rest = [f"{count(len(parts) - _MOST_SESSIONS, 'more session')}"] if len(parts) > _MOST_SESSIONS else []
    return f" Of no pull request: {', '.join([*named, *rest])}."


def _against(now: Figure, before: Figure) -> str:
    if change(now, before) == 0:
        return "much the same as in the 8 weeks before"
    word = "up" if now.median_micros > before.median_micros else "down"
    median = _marked(before.median_micros, before)
    return f"{word} from {median}, that of {count(before.count, 'merge')} in the 8 weeks before"
