"""The merges of the week, dearest first: by pull request, never by person."""

from attribution.money import cents_that_sum, show, show_cents, to_cents
from attribution.outcome import State
from attribution.week import Merge
from bot.issue.kinds import pull
from bot.issue.view import WeekView
from bot.markdown import count, folded, share_of, table, text

COLUMNS = ("Pull request", ">Cost", ">This week", ">Build", ">Review", ">CI", ">Tied by commits")
MOST_ROWS = 50


def render(view: WeekView) -> str:
    merges = view.cost.merges
    if not merges:
        return ""
    cents = cents_that_sum([one.total.micros for one in merges])
    rows = [_line(view, one, amount) for one, amount in zip(merges, cents, strict=True)]
    shown, hidden = rows[:MOST_ROWS], cents[MOST_ROWS:]
    if hidden:
        shown.append((f"{len(hidden)} more", show_cents(sum(hidden)), "", "", "", "", ""))
    whole = sum(one.total.micros for one in merges)
    shown.append(
        (
            "**All**",
            f"**{show_cents(to_cents(whole))}**",
            f"**{show(sum(one.week_micros for one in merges))}**",
            "",
            "",
            "",
            "",
        )
    )
    note = "Cost is that of a pull request's whole life; what of it was used this week is in the table above."
    return folded(
        count(len(merges), "The merge", f"The {len(merges):,} merges").removeprefix(f"{len(merges):,} "),
        f"{table(COLUMNS, shown)}\n\n{note}",
    )


def _line(view: WeekView, one: Merge, cents: int) -> tuple[str, ...]:
    total = one.total
    # The parts of a row sum to its cost, too.
    build, review, ci = _parts([total.build_micros, total.review_micros, total.ci_micros], cents)
    more = " and more at no known price" if total.unpriced_requests else ""
    return (
        f"{pull(view, one.number)} {text(one.title)}{_closes(view, one)}{' · reverted' if one.state == State.REVERTED else ''}",
        f"{show_cents(cents)}{more}",
        show(one.week_micros) if one.week_micros else "–",
        build,
        review,
        ci,
        share_of(total.by_commit_micros, total.micros) if total.micros else "",
    )


def _closes(view: WeekView, one: Merge) -> str:
    return f"<br>closes {', '.join(pull(view, number) for number in one.closes)}" if one.closes else ""


def _parts(micros: list[int], cents: int) -> list[str]:
    """Stages of one row in cents that sum to its cost; one that was not there is a dash."""
    split = cents_that_sum(micros)
    largest = max(range(len(micros)), key=lambda i: micros[i])
    split[largest] += cents - sum(split)
    return [show_cents(part) if amount else "–" for part, amount in zip(split, micros, strict=True)]
