"""Three sentences that a busy person reads: what a merge cost, what moved it, and what needs a decision.

An amount never follows a bracket: GitHub takes what is between `$1 (` and `$` for a formula.
"""

from collections.abc import Sequence

from attribution.money import show
from attribution.report import Suggestion
from attribution.week_report import Figure, WeekCost
from bot.issue.reasons import change, largest_change, to_decide
from bot.issue.view import WeekView
from bot.markdown import code, count, phrase

_MOST_SESSIONS = 10


def title(view: WeekView) -> str:
    """`AI spend, week 47 of 2026: $3.40 a merge`."""
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
    if cost.per_merge:
        return f"{show(cost.per_merge.median_micros)} a merge"
    if not cost.has_work:
        return "none seen"
    whole = cost.total.show()
    return f"{whole}, no merge of known cost" if cost.unseen_merges else f"{whole}, no merge"


def _cost(cost: WeekCost) -> str:
    now, before = cost.per_merge, cost.before_merge
    if now is None:
        return " ".join([_no_merge(cost), *_issues(cost)])
    how = "the only one" if now.count == 1 else f"median of {now.count:,}, {_range(now)}"
    against = (
        f", {_against(now, before)} ({how})" if before else f" ({how}); there is nothing before to compare it with"
    )
    return " ".join(
        [
            f"**A merge cost {show(now.median_micros)} this week** at list price{against}.",
            _standing(cost),
            *_issues(cost),
        ]
    )


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
    return f"{sentence} {used.show()} was used at list price{used.note(', and ')}."


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


def _range(figure: Figure) -> str:
    low, high = show(figure.low_micros), show(figure.high_micros)
    return f"half of them from {low} to {high}" if figure.count >= 4 else f"from {low} to {high}"


def _against(now: Figure, before: Figure) -> str:
    if change(now, before) == 0:
        return f"much the same as the {show(before.median_micros)} of the 8 weeks before"
    word = "up" if now.median_micros > before.median_micros else "down"
    return f"{word} from {show(before.median_micros)} in the 8 weeks before"


def _standing(cost: WeekCost) -> str:
    """The merges that lasted, in words that are true before and after the time has passed."""
    merges = cost.per_merge.count if cost.per_merge else 0
    stand = cost.per_surviving.count if cost.per_surviving else 0
    so_far, word = ("", "survived") if cost.is_settled else (" so far", "still stands")
    if stand == merges:
        words = f"It was not reverted{so_far}" if merges == 1 else f"None of them was reverted{so_far}"
    elif cost.per_surviving is None:
        words = "It was reverted" if merges == 1 else "All of them were reverted"
    else:
        were = "was" if merges - stand == 1 else "were"
        words = f"{merges - stand:,} of {merges:,} {were} reverted{so_far}"
        words += f": one that {word} cost {show(cost.per_surviving.median_micros)}"
    before = (
        f"; one that survived in the 8 weeks before cost {show(cost.before_surviving.median_micros)}"
        if cost.before_surviving
        else ""
    )
    return f"{words}{before}."


def _issues(cost: WeekCost) -> list[str]:
    now, before = cost.per_issue, cost.before_issue
    if now is None:
        return []
    return [
        f"A closed issue cost {show(now.median_micros)}{f', against {show(before.median_micros)} before' if before else ''}."
    ]
