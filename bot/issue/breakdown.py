"""The week by tool and model, and by label; what cache reads saved; medians and ranges."""

from collections.abc import Sequence

from attribution.money import cents_that_sum, show, show_cents
from attribution.report import Row
from attribution.week_report import LabelRow, cache_read_part
from bot.comment.view import tool_title
from bot.issue.kinds import whole
from bot.issue.view import WeekView
from bot.markdown import code, folded, share_of, table, text, tokens

MODELS = ("Tool and model", ">Cost", ">Requests", ">Input", ">From cache", ">Output")
LABELS = ("Label", ">Cost", ">PRs")
MOST_ROWS = 20


def render(view: WeekView) -> str:
    if not view.cost.rows:
        return ""
    parts = [part for part in (_models(view), _cache(view), _labels(view)) if part]
    return folded("By tool, model and label", "\n\n".join(parts))


def _models(view: WeekView) -> str:
    rows = view.cost.rows
    cents = cents_that_sum([row.micros for row in rows])
    lines = [_line(row, amount) for row, amount in zip(rows, cents, strict=True)]
    shown, hidden = lines[:MOST_ROWS], cents[MOST_ROWS:]
    if hidden:
        shown.append((f"{len(hidden)} more", show_cents(sum(hidden)), "", *map(tokens, _sums(rows[MOST_ROWS:]))))
    total = (whole(view.cost), f"{view.cost.requests:,}", *map(tokens, _sums(rows)))
    return table(MODELS, [*shown, ("**All**", *(f"**{one}**" for one in total))])


def _sums(rows: Sequence[Row]) -> list[int]:
    return [sum(column) for column in zip(*map(_tokens, rows), strict=True)]


def _tokens(row: Row) -> tuple[int, int, int]:
    return row.uncached_input_tokens + row.cache_write_tokens, row.cache_read_tokens, row.output_tokens


def _line(row: Row, cents: int) -> tuple[str, ...]:
    return (
        f"{text(tool_title(row.tool))}<br>{code(row.model)}",
        "not known" if row.unpriced_requests == row.requests else show_cents(cents),
        f"{row.requests:,}",
        *(tokens(figure) if row.tokens_known else "?" for figure in _tokens(row)),
    )


def _cache(view: WeekView) -> str:
    read, whole = cache_read_part(view.cost.rows)
    before, whole_before = cache_read_part(view.cost.before_rows)
    if not read:
        return ""
    than = f" ({share_of(before, whole_before)} in the 8 weeks before)" if whole_before else ""
    return f"{share_of(read, whole)} of the input came from cache{than}, which saved {show(view.cost.cache_saving_micros)}."


def _labels(view: WeekView) -> str:
    rows = view.cost.labels
    if not any(row.label for row in rows):
        return ""
    rest = view.cost.micros - sum(row.micros for row in rows)
    *cents, rest_cents = cents_that_sum([*(row.micros for row in rows), rest])
    lines = [_label(row, amount) for row, amount in zip(rows, cents, strict=True)]
    shown, hidden = lines[:MOST_ROWS], cents[MOST_ROWS:]
    if hidden:
        shown.append((f"{len(hidden)} more", show_cents(sum(hidden)), ""))
    if rest:
        shown.append(("No pull request", show_cents(rest_cents), "–"))
    shown.append(("**All**", f"**{whole(view.cost)}**", ""))
    note = (
        "Labels are those of pull requests and of the issues that they close; what has several is shared between them."
    )
    return f"{table(LABELS, shown)}\n\n{note}"


def _label(row: LabelRow, cents: int) -> tuple[str, ...]:
    cost = show_cents(cents) if row.micros or not row.unpriced_requests else "not known"
    return code(row.label) if row.label else "No label", cost, f"{row.pulls:,}"
