"""What a session did, by quarters of an hour: small enough to keep, summed up in any order and in parts."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import msgspec

from attribution.breakdown import QUARTER_MS
from attribution.ledger import Charge
from attribution.money import Micros

_HOUR = 4  # quarters
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """A request to a model. `micros` is None where its price is not known; `has_effect`: it edited a file or made a commit."""

    at: datetime
    micros: Micros | None
    has_effect: bool = False
    is_sub_agent: bool = False


def request(charge: Charge) -> Request:
    """A charge as the rule sees it."""
    usage = charge.usage
    changed = bool(usage.work.edited_files or usage.work.commits_made)
    return Request(at=usage.at, micros=charge.list_micros, has_effect=changed, is_sub_agent=bool(usage.agent_id))


class Quarter(msgspec.Struct, frozen=True, kw_only=True):
    """What a session did in a quarter of an hour, counted since 1970. `micros` leaves out `unpriced_requests`; `main_requests`
    are not those of sub-agents, which are often sent to look around."""

    quarter: int
    micros: Micros
    requests: int
    main_requests: int
    unpriced_requests: int
    effects: int


class SessionActivity(msgspec.Struct, frozen=True, kw_only=True):
    """What a session did so far, by quarters of an hour in which it did anything, oldest first."""

    tool: str
    session_id: str
    from_at: datetime
    to_at: datetime
    quarters: tuple[Quarter, ...]

    @property
    def micros(self) -> Micros:
        return sum(one.micros for one in self.quarters)

    @property
    def hour_micros(self) -> Micros:
        """The most that it cost in four quarters in a row. Never extrapolated: $3 in two minutes are not $90 an hour."""
        micros = {one.quarter: one.micros for one in self.quarters}
        return max(sum(micros.get(end - back, 0) for back in range(_HOUR)) for end in micros)

    @property
    def stretches(self) -> list["Stretch"]:
        """What it did between its effects, and since the last one. A quarter with an effect in it is no part of any."""
        found = [Stretch(0, 0)]
        for one in self.quarters:
            if one.effects:
                found.append(Stretch(0, 0))
            else:
                found[-1] = Stretch(found[-1].main_requests + one.main_requests, found[-1].micros + one.micros)
        return found


class Stretch(msgspec.Struct, frozen=True, order=True):
    """Work without an edit or a commit."""

    main_requests: int
    micros: Micros


def session(tool: str, session_id: str, requests: Iterable[Request]) -> SessionActivity:
    """Sum up a session, or a part of it. It has at least one request; their order does not matter."""
    listed = list(requests)
    by_quarter: defaultdict[int, list[Request]] = defaultdict(list)
    for one in listed:
        by_quarter[_quarter(one.at)].append(one)
    return SessionActivity(
        tool=tool,
        session_id=session_id,
        from_at=min(one.at for one in listed),
        to_at=max(one.at for one in listed),
        quarters=tuple(_summed(quarter, by_quarter[quarter]) for quarter in sorted(by_quarter)),
    )


def merged(a: SessionActivity, b: SessionActivity) -> SessionActivity:
    """Two parts of one session, with no request in common, as one."""
    by_quarter: dict[int, Quarter] = {}
    for one in (*a.quarters, *b.quarters):
        other = by_quarter.get(one.quarter)
        by_quarter[one.quarter] = one if other is None else _added(one, other)
    return msgspec.structs.replace(
        a,
        from_at=min(a.from_at, b.from_at),
        to_at=max(a.to_at, b.to_at),
        quarters=tuple(by_quarter[quarter] for quarter in sorted(by_quarter)),
    )


def _quarter(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(milliseconds=QUARTER_MS)


def _summed(quarter: int, requests: list[Request]) -> Quarter:
    return Quarter(
        quarter=quarter,
        micros=sum(one.micros or 0 for one in requests),
        requests=len(requests),
        main_requests=sum(not one.is_sub_agent for one in requests),
        unpriced_requests=sum(one.micros is None for one in requests),
        effects=sum(one.has_effect for one in requests),
    )


def _added(a: Quarter, b: Quarter) -> Quarter:
    return Quarter(
        quarter=a.quarter,
        micros=a.micros + b.micros,
        requests=a.requests + b.requests,
        main_requests=a.main_requests + b.main_requests,
        unpriced_requests=a.unpriced_requests + b.unpriced_requests,
        effects=a.effects + b.effects,
    )
