"""What requests cost, as one value, and how it is shown. That an unknown cost is "not known", never $0, is decided here."""

from collections.abc import Sequence

import msgspec

from attribution.money import Micros, cents_that_sum, show_cents, split, to_cents

NOT_KNOWN = "not known"
PRICE_NOT_KNOWN = "at a price that is not known"


class Cost(msgspec.Struct, frozen=True):
    """What `requests` cost at list price, in micro-dollars. `unpriced_requests` of them are in no amount: their price is not known.
    `list_micros` is None exactly where none of them has a price, as SQL's SUM is; without any request it is 0.

    The name is that of FOCUS' ListCost: https://focus.finops.org
    """

    list_micros: Micros | None = 0
    requests: int = 0
    unpriced_requests: int = 0

    def __post_init__(self) -> None:
        if not self.list_micros:
            is_unknown = 0 < self.requests == self.unpriced_requests
            msgspec.structs.force_setattr(self, "list_micros", None if is_unknown else 0)

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(
            self.priced_micros + other.priced_micros,
            self.requests + other.requests,
            self.unpriced_requests + other.unpriced_requests,
        )

    @property
    def is_known(self) -> bool:
        """Whether there is an amount, though `unpriced_requests` may be missing from it."""
        return self.list_micros is not None

    @property
    def priced_micros(self) -> Micros:
        """What is priced of it, to compare and to add up; 0 where nothing is. To show it, use `show`."""
        return self.list_micros or 0

    def split(self, parts: int) -> list["Cost"]:
        """Equal parts whose money sums to this exactly. Each counts all the requests: a request that several bear is counted with
        each of them."""
        amounts = split(self.priced_micros, [1] * parts)
        return [Cost(micros, self.requests, self.unpriced_requests) for micros in amounts]

    def show(self) -> str:
        """`$4.12`, `under $0.01` or `not known`."""
        return self.show_as(to_cents(self.priced_micros))

    def show_as(self, cents: int) -> str:
        """The same with an amount that the caller rounded, so that a column sums."""
        if not self.is_known:
            return NOT_KNOWN
        return "under $0.01" if cents == 0 and self.priced_micros > 0 else show_cents(cents)

    def show_each(self, count: int) -> str:
        """Of `count` equal parts each, rounded down."""
        return Cost(self.priced_micros // count, self.requests, self.unpriced_requests).show()

    def note(self, lead: str = "") -> str:
        """`3 requests at a price that is not known` after `lead`; empty where all are priced."""
        return unpriced_note(self.unpriced_requests, lead)


ZERO = Cost()


def cost_of_request(list_micros: Micros | None) -> Cost:
    """What one request, or a share of it, cost; None is a price that is not known."""
    return Cost(list_micros, 1, int(list_micros is None))


def column(costs: Sequence[Cost]) -> list[str]:
    """The costs as a column of a table: its cents sum to what `sum(costs, ZERO).show()` says."""
    cents = cents_that_sum([cost.priced_micros for cost in costs])
    return [cost.show_as(amount) for cost, amount in zip(costs, cents, strict=True)]


def unpriced_note(requests: int, lead: str = "") -> str:
    """`3 requests at a price that is not known` after `lead`; empty for none."""
    if not requests:
        return ""
    return f"{lead}{requests:,} {'request' if requests == 1 else 'requests'} {PRICE_NOT_KNOWN}"
