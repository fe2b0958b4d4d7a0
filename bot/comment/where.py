"""Where the money went: by tool and model, with tokens by kind. The rows sum to the headline.

The cost stands second: on a phone a table shows three columns, and the rest is scrolled to.
"""

from collections.abc import Callable, Sequence

from attribution.cost import OWN_FIGURE, OWN_MARK, ZERO, column
from attribution.money import Micros, show
from attribution.report import Row, cache_read_part
from attribution.tools import title
from bot.comment.view import CommentView
from bot.markdown import code, folded, share_of, table, text, tokens

COLUMNS = ("Tool and model", ">Cost", ">Requests", ">Input", ">From cache", ">To cache", ">Output")
MOST_ROWS = 20


def render(view: CommentView) -> str:
    rows = view.cost.rows
    if not rows:
        return ""
    return folded(
        "Where it went", table(COLUMNS, [*model_rows(rows, _counts), _total(view)]) + _own(view) + _cache(view)
    )


def _own(view: CommentView) -> str:
    own = view.cost.total.reported_micros
    return f"\n\n{OWN_MARK} {show(own)} of it {OWN_FIGURE}: no list price is known." if own else ""


def model_rows(rows: Sequence[Row], counts: Callable[[Row], Sequence[int]]) -> list[tuple[str, ...]]:
    """Tool and model, cost, requests and `counts` of tokens; of more than `MOST_ROWS` rows the rest together."""
    first, rest = rows[:MOST_ROWS], rows[MOST_ROWS:]
    rest_cost = sum((row.cost for row in rest), ZERO)
    amounts = column([row.cost for row in first] + ([rest_cost] if rest else []))
    lines = [
        (
            f"{text(title(row.tool))}<br>{code(row.model)}",
            amount,
            f"{row.cost.requests:,}",
            *(tokens(figure) if row.tokens_known else "?" for figure in counts(row)),
        )
        for row, amount in zip(first, amounts, strict=False)
    ]
    if rest:
        figures = map(tokens, column_sums(rest, counts))
        lines.append((f"{len(rest)} more", amounts[-1], f"{rest_cost.requests:,}", *figures))
    return lines


def column_sums(rows: Sequence[Row], counts: Callable[[Row], Sequence[int]]) -> list[int]:
    return [sum(figures) for figures in zip(*map(counts, rows), strict=True)]


def _counts(row: Row) -> tuple[int, ...]:
    return row.uncached_input_tokens, row.cache_read_tokens, row.cache_write_tokens, row.output_tokens


def _total(view: CommentView) -> tuple[str, ...]:
    cost = view.cost
    figures = (
        cost.total.show(),
        f"{cost.total.requests:,}",
        *map(tokens, column_sums(cost.rows, _counts)),
    )
    return ("**All**", *(f"**{figure}**" for figure in figures))


def _cache(view: CommentView) -> str:
    read, whole = cache_read_part(view.cost.rows)
    if not read:
        return ""
    return f"\n\n{share_of(read, whole)} of the input came from cache{saving(view.cost.cache_saving_micros)}."


def saving(micros: Micros) -> str:
    """What cache reads saved; empty where they have no price."""
    return f", which saved {show(micros)}" if micros else ""
