"""Where the money went: by tool and model, with tokens by kind. The rows sum to the headline.

The cost stands second: on a phone a table shows three columns, and the rest is scrolled to.
"""

from attribution.money import cents_that_sum, show, show_cents, to_cents
from attribution.report import Row
from bot.comment.view import CommentView, tool_title
from bot.markdown import code, folded, share_of, table, text, tokens

COLUMNS = ("Tool and model", ">Cost", ">Requests", ">Input", ">From cache", ">To cache", ">Output")
MOST_ROWS = 20


def render(view: CommentView) -> str:
    rows = view.cost.rows
    if not rows:
        return ""
    cents = cents_that_sum([row.micros for row in rows])
    lines = [_line(row, amount) for row, amount in zip(rows, cents, strict=True)]
    shown, hidden = lines[:MOST_ROWS], cents[MOST_ROWS:]
    if hidden:
        shown.append((f"{len(hidden)} more", show_cents(sum(hidden)), "", "", "", "", ""))
    return folded("Where it went", table(COLUMNS, [*shown, _total(view)]) + _cache(view))


def _line(row: Row, cents: int) -> tuple[str, ...]:
    figures = (row.uncached_input_tokens, row.cache_read_tokens, row.cache_write_tokens, row.output_tokens)
    return (
        f"{text(tool_title(row.tool))}<br>{code(row.model)}",
        "not known" if row.unpriced_requests == row.requests else show_cents(cents),
        f"{row.requests:,}",
        *(tokens(figure) if row.tokens_known else "?" for figure in figures),
    )


def _total(view: CommentView) -> tuple[str, ...]:
    rows = view.cost.rows
    kinds = ("uncached_input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens")
    sums = (tokens(sum(getattr(row, kind) for row in rows)) for kind in kinds)
    figures = (show_cents(to_cents(view.cost.micros)), f"{sum(row.requests for row in rows):,}", *sums)
    return ("**All**", *(f"**{figure}**" for figure in figures))


def _cache(view: CommentView) -> str:
    read, whole = view.cost.cache_read_part
    if not read:
        return ""
    return (
        f"\n\n{share_of(read, whole)} of the input came from cache, which saved {show(view.cost.cache_saving_micros)}."
    )
