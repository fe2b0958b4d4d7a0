"""One honest line: what kind of money this is, and as of what."""

from attribution.cost import Cost
from bot.comment.view import CommentView
from bot.markdown import code, small, text


def render(view: CommentView) -> str:
    books = ", ".join(view.cost.price_books) or ("not kept" if view.cost.details_from else "none")
    as_of = f" As of {code(view.head_sha[:7])}." if view.head_sha else ""
    return small(
        f"{_money(view).basis}: plans and discounts are not in it. Only sessions that "
        f"reached Mergecost are counted.{as_of} Prices: {text(books)}. "
        f"[How it is counted]({view.how_url})"
    )


def _money(view: CommentView) -> Cost:
    """All that an amount here may be of."""
    beside = (*view.cost.unconfirmed, *view.suggestions)
    return sum((part.cost for part in beside), view.cost.total)
