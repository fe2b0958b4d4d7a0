"""The ledger: every request is a charge, every charge is shared out completely, nothing is counted twice."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Literal

import msgspec

from attribution.cost import Cost, cost_of_request
from attribution.evidence import Claim, Evidence, Stage
from attribution.money import Micros, split
from attribution.pricing import PRICE_BOOK, Unpriced, price
from attribution.usage import RequestKey, Usage

BillingMode = Literal["api", "subscription", "credits", "unknown"]
Basis = Literal["reported", "computed", "estimated"]


# In place of a price book where the figure is the tool's.
TOOL_FIGURE = "the tool's own figure where no list price is known"


class Charge(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What one request cost. `list_micros` is None where no price is known (`unpriced` says why): unknown, not zero. By its `basis`
    it is a list price, or the tool's own figure in place of one.

    The name is after FOCUS' ListCost: https://focus.finops.org
    """

    usage: Usage
    list_micros: Micros | None
    cache_saving_micros: Micros = 0
    billing_mode: BillingMode = "unknown"
    basis: Basis = "computed"
    price_book: str = PRICE_BOOK
    unpriced: str = ""

    @property
    def key(self) -> RequestKey:
        return self.usage.key

    @property
    def is_own(self) -> bool:
        """Whether the amount is the tool's own figure, and no list price."""
        return self.basis == "reported"

    @property
    def cost(self) -> Cost:
        return cost_of_request(self.list_micros, is_own=self.is_own)


class Share(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Who bears a charge, or part of it: a pull request by number, or None for unattributed.

    `weight` of `weights` is the part; `micros` is None where the charge has no price. Shares of one revision of a charge sum
    to it.
    """

    tool: str
    request_id: str
    revision: int
    pull_number: int | None
    weight: int
    micros: Micros | None
    evidence: Evidence
    why: str
    stage: Stage = Stage.BUILD

    @property
    def charge_key(self) -> RequestKey:
        return RequestKey(self.tool, self.request_id)


class LedgerError(msgspec.Struct, frozen=True):
    """A rule of the ledger that is broken: which charge, and what is wrong."""

    tool: str
    request_id: str
    problem: str


def charge(usage: Usage) -> Charge:
    """Price `usage` with today's price book for the day it was used. Where the book has no price, the tool's own figure counts."""
    answer = price(usage)
    if isinstance(answer, Unpriced) and usage.reported_micros is not None:
        return Charge(usage=usage, list_micros=usage.reported_micros, basis="reported", price_book=TOOL_FIGURE)
    if isinstance(answer, Unpriced):
        return Charge(usage=usage, list_micros=None, unpriced=answer.reason)
    return Charge(usage=usage, list_micros=answer.list_micros, cache_saving_micros=answer.cache_saving_micros)


def share_out(charge: Charge, claim: Claim, revision: int) -> list[Share]:
    """The claim's weights as complete shares of the charge."""
    weights = [weight for _, weight in claim.weights]
    no_amounts: list[Micros | None] = [None] * len(weights)
    parts = no_amounts if charge.list_micros is None else split(charge.list_micros, weights)
    return [
        Share(
            tool=charge.usage.tool,
            request_id=charge.usage.request_id,
            revision=revision,
            pull_number=number,
            weight=weight,
            micros=micros,
            evidence=claim.evidence,
            why=claim.why,
            stage=claim.stage,
        )
        for (number, weight), micros in zip(claim.weights, parts, strict=True)
    ]


def check(charges: Iterable[Charge], shares: Iterable[Share]) -> list[LedgerError]:
    """Every rule of the ledger that the given current revisions break; empty where none is broken.

    Each charge is shared, its shares sum to it, are of one revision, of one target each and, without a price, carry no money.
    """
    by_charge: defaultdict[RequestKey, list[Share]] = defaultdict(list)
    for share in shares:
        by_charge[share.charge_key].append(share)
    errors: list[LedgerError] = []
    for charge in charges:
        errors += [LedgerError(*charge.key, problem) for problem in _problems(charge, by_charge.pop(charge.key, []))]
    errors += [LedgerError(*key, "shares of a charge that does not exist") for key in by_charge]
    return errors


def _problems(charge: Charge, shares: list[Share]) -> Iterable[str]:
    if not shares:
        yield "not shared out"
        return
    if len({share.revision for share in shares}) > 1:
        yield "shares of several revisions are current"
    if len({share.pull_number for share in shares}) < len(shares):
        yield "two shares have the same target"
    if any(share.weight <= 0 for share in shares):
        yield "a share has no weight"
    amounts = [share.micros for share in shares]
    if charge.list_micros is None:
        if any(amount is not None for amount in amounts):
            yield "a charge without a price is shared as money"
    elif None in amounts:
        yield "a share of a priced charge has no amount"
    elif (total := sum(amount or 0 for amount in amounts)) != charge.list_micros:
        yield f"shares sum to {total}, not {charge.list_micros} micro-dollars"
