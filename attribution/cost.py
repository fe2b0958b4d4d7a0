"""What requests cost, as one value, and how it is shown. That an unknown cost is "not known", never $0, is decided here, and that
money which is no list price is marked."""

from collections.abc import Sequence

import msgspec

from attribution.money import Micros, cents_that_sum, show, show_cents, split, to_cents

NOT_KNOWN = "not known"
PRICE_NOT_KNOWN = "at a price that is not known"
# Said of money that is no list price; `OWN_MARK` stands behind such an amount.
OWN_FIGURE, OWN_MARK = "by the tool's own figure", "†"
OWN_LEGEND = f"{OWN_MARK} All or some of it {OWN_FIGURE}, where no list price is known."


class Cost(msgspec.Struct, frozen=True):
    """What `requests` cost, in micro-dollars: at list price, and by tools' own figures where no list price is known.
    `unpriced_requests` of them are in no amount: their price is not known. `list_micros` is None where no request has a list price;
    without any request it is 0.

    The name is that of FOCUS' ListCost: https://focus.finops.org
    """

    list_micros: Micros | None = 0
    requests: int = 0
    unpriced_requests: int = 0
    reported_micros: Micros = 0

    def __post_init__(self) -> None:
        if not self.list_micros:
            is_unknown = 0 < self.requests == self.unpriced_requests or self.reported_micros
            msgspec.structs.force_setattr(self, "list_micros", None if is_unknown else 0)

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(
            (self.list_micros or 0) + (other.list_micros or 0),
            self.requests + other.requests,
            self.unpriced_requests + other.unpriced_requests,
            self.reported_micros + other.reported_micros,
        )

    def __sub__(self, part: "Cost") -> "Cost":
        return Cost(
            (self.list_micros or 0) - (part.list_micros or 0),
            self.requests - part.requests,
            self.unpriced_requests - part.unpriced_requests,
            self.reported_micros - part.reported_micros,
        )

    @property
    def is_known(self) -> bool:
        """Whether there is an amount, though `unpriced_requests` may be missing from it."""
        return self.list_micros is not None or self.reported_micros > 0

    @property
    def priced_micros(self) -> Micros:
        """What is priced of it, in whatever way, to compare and to add up; 0 where nothing is. To show it, use `show`."""
        return (self.list_micros or 0) + self.reported_micros

    @property
    def kind_of_price(self) -> str:
        """What sort of money the amount is, to be said beside `amount`."""
        if not self.reported_micros:
            return "at list price"
        return f"at list price, {show(self.reported_micros)} of it {OWN_FIGURE}" if self.list_micros else OWN_FIGURE

    @property
    def basis(self) -> str:
        """What sort of money it is, in small print."""
        if not self.reported_micros:
            prices = "List price of the day for the tokens used"
        elif self.list_micros:
            prices = (
                f"List price of the day for the tokens used, or the tool's own figure where none is known ({OWN_MARK})"
            )
        else:
            prices = f"The tool's own figure ({OWN_MARK}), since no list price is known"
        return f"{prices}, not an invoice"

    def split(self, parts: int) -> list["Cost"]:
        """Equal parts whose money sums to this exactly. Each counts all the requests: a request that several bear is counted with
        each of them."""
        listed, reported = (split(micros, [1] * parts) for micros in (self.list_micros or 0, self.reported_micros))
        return [self.with_money(*pair) for pair in zip(listed, reported, strict=True)]

    def with_money(self, list_micros: Micros, reported_micros: Micros) -> "Cost":
        """Other amounts for the same requests."""
        return Cost(list_micros, self.requests, self.unpriced_requests, reported_micros)

    @property
    def amount(self) -> str:
        """`$4.12`, `under $0.01` or `not known`, for a sentence that says what sort of money it is."""
        return self._unmarked(to_cents(self.priced_micros))

    def show(self) -> str:
        """`$4.12`, `$4.12 †` where some of it is a tool's own figure, `under $0.01` or `not known`."""
        return self.show_as(to_cents(self.priced_micros))

    def show_as(self, cents: int) -> str:
        """The same with an amount that the caller rounded, so that a column sums."""
        return marked(self._unmarked(cents), self.reported_micros)

    def _unmarked(self, cents: int) -> str:
        if not self.is_known:
            return NOT_KNOWN
        return _cents(cents, self.priced_micros)

    def show_each(self, count: int) -> str:
        """Of `count` equal parts each, rounded down."""
        micros = self.priced_micros // count
        return marked(self.with_money(micros, 0).amount, self.reported_micros) if self.is_known else NOT_KNOWN

    def note(self, lead: str = "") -> str:
        """`3 requests at a price that is not known` after `lead`; empty where all are priced."""
        return unpriced_note(self.unpriced_requests, lead)


ZERO = Cost()


def cost_of_request(micros: Micros | None, *, is_own: bool = False) -> Cost:
    """What one request, or a share of it, cost; None is a price that is not known. `is_own`: the tool's own figure."""
    return cost_of(micros, 1, int(micros is None), is_own=is_own)


def cost_of(micros: Micros | None, requests: int, unpriced_requests: int, *, is_own: bool) -> Cost:
    """What several requests cost whose prices are all of one sort."""
    own = (micros or 0) if is_own else 0
    return Cost(None if own else micros, requests, unpriced_requests, own)


def marked(amount: str, reported_micros: Micros) -> str:
    """An amount, with a mark where some of it is no list price."""
    return f"{amount} {OWN_MARK}" if reported_micros else amount


def column(costs: Sequence[Cost]) -> list[str]:
    """The costs as a column of a table: its cents sum to what `sum(costs, ZERO).show()` says."""
    cents = cents_that_sum([cost.priced_micros for cost in costs])
    return [cost.show_as(amount) for cost, amount in zip(costs, cents, strict=True)]


def list_column(costs: Sequence[Cost]) -> list[str]:
    """What of the costs is at list price, as a column; `not known` where no request has a list price."""
    cents = cents_that_sum([cost.list_micros or 0 for cost in costs])
    return [
        NOT_KNOWN if cost.list_micros is None else _cents(at, cost.list_micros)
        for cost, at in zip(costs, cents, strict=True)
    ]


def own_column(costs: Sequence[Cost]) -> list[str]:
    """What of them is tools' own figures, beside it."""
    cents = cents_that_sum([cost.reported_micros for cost in costs])
    return [
        _cents(at, cost.reported_micros) if cost.reported_micros else "" for cost, at in zip(costs, cents, strict=True)
    ]


def _cents(cents: int, micros: Micros) -> str:
    return "under $0.01" if cents == 0 and micros > 0 else show_cents(cents)


def unpriced_note(requests: int, lead: str = "") -> str:
    """`3 requests at a price that is not known` after `lead`; empty for none."""
    if not requests:
        return ""
    return f"{lead}{requests:,} {'request' if requests == 1 else 'requests'} {PRICE_NOT_KNOWN}"
