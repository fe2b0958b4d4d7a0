"""The week by tool and model, and by label; what cache reads saved; medians and ranges."""

from attribution.cost import ZERO, column
from attribution.report import Row, cache_read_part
from bot.comment.where import column_sums, model_rows, saving
from bot.issue.kinds import BESIDE
from bot.issue.view import WeekView
from bot.markdown import code, folded, share_of, table, tokens

MODELS = ("Tool and model", ">Cost", ">Requests", ">Input", ">From cache", ">Output")
LABELS = ("Label", ">Cost", ">PRs")
MOST_ROWS = 20


def render(view: WeekView) -> str:
    if not view.cost.rows:
        return ""
    parts = [part for part in (_models(view), _cache(view), _labels(view)) if part]
    return folded("By tool, model and label", "\n\n".join(parts))


def _models(view: WeekView) -> str:
    cost = view.cost
    sums = [tokens(figure) for figure in column_sums(cost.rows, _counts)]
    total = (cost.total.show(), f"{cost.total.requests:,}", *sums)
    rows = [*model_rows(cost.rows, _counts), ("**All**", *(f"**{figure}**" for figure in total))]
    if cost.unconfirmed.requests:
        rows.append((BESIDE, cost.unconfirmed.show(), f"{cost.unconfirmed.requests:,}", *["–"] * len(sums)))
    return table(MODELS, rows)


def _counts(row: Row) -> tuple[int, ...]:
    return row.uncached_input_tokens + row.cache_write_tokens, row.cache_read_tokens, row.output_tokens


def _cache(view: WeekView) -> str:
    read, whole = cache_read_part(view.cost.rows)
    before, whole_before = cache_read_part(view.cost.before_rows)
    if not read:
        return ""
    than = f" ({share_of(before, whole_before)} in the 8 weeks before)" if whole_before else ""
    return f"{share_of(read, whole)} of the input came from cache{than}{saving(view.cost.cache_saving_micros)}."


def _labels(view: WeekView) -> str:
    rows = view.cost.labels
    if not any(row.label for row in rows):
        return ""
    first, rest = rows[:MOST_ROWS], rows[MOST_ROWS:]
    lines = [(code(row.label) if row.label else "No label", row.cost, f"{row.pulls:,}") for row in first]
    if rest:
        lines.append((f"{len(rest)} more", sum((row.cost for row in rest), ZERO), ""))
    if view.cost.no_pull.requests:
        lines.append(("No pull request", view.cost.no_pull, "–"))
    amounts = column([cost for _, cost, _ in lines])
    cells = [(name, amount, pulls) for (name, _, pulls), amount in zip(lines, amounts, strict=True)]
    cells.append(("**All**", f"**{view.cost.total.show()}**", ""))
    if view.cost.unconfirmed.requests:
        cells.append((BESIDE, view.cost.unconfirmed.show(), "–"))
    note = (
        "Labels are those of pull requests and of the issues that they close; what has several is shared between them."
    )
    return f"{table(LABELS, cells)}\n\n{note}"
