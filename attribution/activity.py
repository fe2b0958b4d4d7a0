"""Sums of a session by quarters of an hour: small, and the same in whatever order and parts the requests arrive."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import msgspec

from attribution.ledger import Charge
from attribution.money import Micros
from attribution.periods import QUARTER_MS

_HOUR = 4  # quarters
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """A request to a model. `micros` is None where its price is not known; `has_effect`: it edited a file or made a commit."""

    at: datetime
    micros: Micros | None
    has_effect: bool = False
    is_sub_agent: bool = False


def request(charge: Charge) -> Request:
    """A charge as the runaway rules take it."""
    usage = charge.usage
    has_effect = bool(usage.work.edited_files or usage.work.commits_made)
    return Request(at=usage.at, micros=charge.list_micros, has_effect=has_effect, is_sub_agent=bool(usage.agent_id))


class Quarter(msgspec.Struct, frozen=True, kw_only=True):
    """Sums of a session over a quarter of an hour, counted since 1970. `micros` leaves out `unpriced_requests`; `main_requests`
    leaves out sub-agents, which often only read."""

    quarter: int
    micros: Micros
    requests: int
    main_requests: int
    unpriced_requests: int
    effects: int


class SessionActivity(msgspec.Struct, frozen=True, kw_only=True):
    """A session so far, by quarters of an hour with requests, oldest first."""

    tool: str
    session_id: str
    from_at: datetime
    to_at: datetime
    quarters: tuple[Quarter, ...]

    @property
    def micros(self) -> Micros:
        return sum(quarter.micros for quarter in self.quarters)

    @property
    def hour_micros(self) -> Micros:
        """Its highest cost in four quarters in a row. Never extrapolated: $3 in two minutes are not $90 an hour."""
        micros = {quarter.quarter: quarter.micros for quarter in self.quarters}
        return max(sum(micros.get(end - back, 0) for back in range(_HOUR)) for end in micros)

    @property
    def stretches(self) -> list["Stretch"]:
        """Its work between effects, and since the last one. A quarter with an effect belongs to none."""
        stretches = [Stretch(0, 0)]
        for quarter in self.quarters:
            if quarter.effects:
                stretches.append(Stretch(0, 0))
            else:
                stretches[-1] = Stretch(
                    stretches[-1].main_requests + quarter.main_requests, stretches[-1].micros + quarter.micros
                )
        return stretches


class Stretch(msgspec.Struct, frozen=True, order=True):
    """Work without an edit or a commit."""

    main_requests: int
    micros: Micros


def activity_of(tool: str, session_id: str, requests: Iterable[Request]) -> SessionActivity:
    """Sum up a session, or a part of it. It has at least one request; their order does not matter."""
    all_requests = list(requests)
    by_quarter: defaultdict[int, list[Request]] = defaultdict(list)
    for request in all_requests:
        by_quarter[_quarter_number(request.at)].append(request)
    return SessionActivity(
        tool=tool,
        session_id=session_id,
        from_at=min(request.at for request in all_requests),
        to_at=max(request.at for request in all_requests),
        quarters=tuple(_total(quarter, by_quarter[quarter]) for quarter in sorted(by_quarter)),
    )


def merge(a: SessionActivity, b: SessionActivity) -> SessionActivity:
    """Two parts of one session, with no request in common, as one."""
    by_quarter: dict[int, Quarter] = {}
    for quarter in (*a.quarters, *b.quarters):
        other = by_quarter.get(quarter.quarter)
        by_quarter[quarter.quarter] = quarter if other is None else _sum(quarter, other)
    return msgspec.structs.replace(
        a,
        from_at=min(a.from_at, b.from_at),
        to_at=max(a.to_at, b.to_at),
        quarters=tuple(by_quarter[quarter] for quarter in sorted(by_quarter)),
    )


def _quarter_number(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(milliseconds=QUARTER_MS)


def _total(quarter: int, requests: list[Request]) -> Quarter:
    return Quarter(
        quarter=quarter,
        micros=sum(request.micros or 0 for request in requests),
        requests=len(requests),
        main_requests=sum(not request.is_sub_agent for request in requests),
        unpriced_requests=sum(request.micros is None for request in requests),
        effects=sum(request.has_effect for request in requests),
    )


def _sum(a: Quarter, b: Quarter) -> Quarter:
    return Quarter(
        quarter=a.quarter,
        micros=a.micros + b.micros,
        requests=a.requests + b.requests,
        main_requests=a.main_requests + b.main_requests,
        unpriced_requests=a.unpriced_requests + b.unpriced_requests,
        effects=a.effects + b.effects,
    )
