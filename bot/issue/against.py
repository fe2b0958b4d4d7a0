"""The week against the eight weeks before: a mean or median a row, each with the number that it is of."""

from attribution.money import show
from attribution.report import cache_read_part
from attribution.week_report import Figure
from bot.issue.view import WeekView
from bot.markdown import share_of, table

COLUMNS = ("Cost over its whole life", ">This week", ">of", ">8 weeks before", ">of")
_NONE = ("–", "–")


def render(view: WeekView) -> str:
    cost = view.cost
    stands = "survived" if cost.is_settled else "stands so far"
    rows: list[tuple[str, ...]] = [
        ("A merge, on average", *_mean(cost.per_merge), *_mean(cost.before_merge)),
        ("A merge, median", *_median(cost.per_merge), *_median(cost.before_merge)),
        (
            f"A merge that {stands}, median",
            *_standing(cost.per_surviving, cost.per_merge),
            *_standing(cost.before_surviving, cost.before_merge),
        ),
        ("A closed issue, median", *_median(cost.per_issue), *_median(cost.before_issue)),
    ]
    rows = [row for row in rows if row[1:] != (*_NONE, *_NONE)]
    if not rows:
        return ""
    rows += [*_requests(view), *_cache(view)]
    has_past = any(row[3:] != _NONE for row in rows)
    return table(COLUMNS, rows) if has_past else table(COLUMNS[:3], [row[:3] for row in rows])


def _mean(figure: Figure | None) -> tuple[str, str]:
    return (show(figure.mean_micros), f"{figure.count:,}") if figure else _NONE


def _median(figure: Figure | None) -> tuple[str, str]:
    return (show(figure.median_micros), f"{figure.count:,}") if figure else _NONE


def _standing(figure: Figure | None, of: Figure | None) -> tuple[str, str]:
    """Of merges that were all reverted none stands."""
    return ("–", "0") if figure is None and of is not None else _median(figure)


def _requests(view: WeekView) -> list[tuple[str, ...]]:
    """Median number of requests of a merge, and what one of them cost then."""
    now, before, both = view.cost.per_merge, view.cost.before_merge, view.cost.requests_per_merge
    if now is None or before is None or both is None:
        return []
    counts = (f"{now.count:,}", f"{before.count:,}")
    each = [show(cost.median_micros // max(took, 1)) for cost, took in zip((now, before), both, strict=True)]
    took = [f"{took:,}" for took in both]
    return [
        ("Requests of a merge, median", took[0], counts[0], took[1], counts[1]),
        ("Median cost for each of them", each[0], counts[0], each[1], counts[1]),
    ]


def _cache(view: WeekView) -> list[tuple[str, ...]]:
    """All input of the time, not that of merges alone."""
    parts = [cache_read_part(rows) for rows in (view.cost.rows, view.cost.before_rows)]
    if not all(whole for _, whole in parts):
        return []
    now, before = (share_of(read, whole) for read, whole in parts)
    return [("Input that came from cache", now, "", before, "")]
