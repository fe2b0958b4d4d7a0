"""View models: what a comment, an issue, a report and the API say, computed from the ledger and never stored."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import msgspec

from attribution.budget import Budget
from attribution.cost import ZERO, Cost
from attribution.evidence import Claim, Evidence, Stage
from attribution.ledger import Charge
from attribution.money import Micros

SessionKey = tuple[str, str]


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """What a change bears of one session, for one reason, in requests alike: of one model, at prices of one book. Tokens are as in
    `Row`."""

    tool: str
    session_id: str
    model: str
    price_book: str
    evidence: Evidence
    why: str
    stage: Stage
    cost: Cost
    cache_saving_micros: Micros
    uncached_input_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    output_tokens: int
    tokens_known: bool
    from_at: datetime
    to_at: datetime


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """What one tool and model used for a change. `tokens_known` is False where the tool says no tokens of any request: the counts
    are 0 then and mean nothing."""

    tool: str
    model: str
    cost: Cost
    uncached_input_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    output_tokens: int
    tokens_known: bool = True


class SessionPart(msgspec.Struct, frozen=True, kw_only=True):
    """The part of one session that a change bears, and why: `cost` of what the whole session cost, which is at list price (None
    where nothing in it has one) and by the tool's own figures."""

    short_id: str
    tool: str
    from_at: datetime
    to_at: datetime
    cost: Cost
    session_list_micros: Micros | None
    session_reported_micros: Micros
    evidence: Evidence
    why: tuple[str, ...]


# In place of a pull request's number.
NO_PULL = 0


class Suggestion(msgspec.Struct, frozen=True, kw_only=True):
    """Work of one session that is booked nowhere and nearly fits a pull request, or would be booked to it and looks invented:
    its `evidence` says which."""

    short_id: str
    tool: str
    cost: Cost
    why: str
    evidence: Evidence = Evidence.NONE


class PullRequestCost(msgspec.Struct, frozen=True, kw_only=True):
    """What a pull request cost: `build` to write it, `review` to read and review it, `ci` in CI. `total` is all of it, and none
    of what is `unconfirmed`. `rows` and `sessions` begin with the dearest. Where part of it was used before `details_from`,
    `sessions` and `price_books` lack that part."""

    number: int
    total: Cost
    build: Cost
    review: Cost
    ci: Cost
    cache_saving_micros: Micros
    unpriced_models: tuple[str, ...]
    rows: tuple[Row, ...]
    sessions: tuple[SessionPart, ...]
    price_books: tuple[str, ...]
    budget: Budget | None = None
    unconfirmed: tuple[Suggestion, ...] = ()
    details_from: datetime | None = None

    @property
    def tools(self) -> tuple[str, ...]:
        return tuple(sorted({row.tool for row in self.rows}))


def cache_read_part(rows: Sequence[Row]) -> tuple[int, int]:
    """Tokens read from cache, of all input tokens."""
    read = sum(row.cache_read_tokens for row in rows)
    return read, read + sum(row.uncached_input_tokens + row.cache_write_tokens for row in rows)


def short_id(tool: str, session_id: str) -> str:
    """Six hex digits that name a session in a comment. Session ids themselves begin alike (UUIDv7 begins with the time)."""
    return hashlib.sha256(f"{tool}\n{session_id}".encode()).hexdigest()[:6]


def pull_request_cost(number: int, parts: Iterable[Part], session_costs: Mapping[SessionKey, Cost]) -> PullRequestCost:
    """Sum up what one pull request bears. `session_costs` is what each of its sessions cost in all."""
    in_order = sorted(parts, key=lambda part: (part.from_at, part.tool, part.session_id, part.why, part.model))
    by_model: defaultdict[tuple[str, str], list[Part]] = defaultdict(list)
    by_session: defaultdict[SessionKey, list[Part]] = defaultdict(list)
    for part in in_order:
        by_model[part.tool, part.model].append(part)
        by_session[part.tool, part.session_id].append(part)
    by_stage = {stage: _cost(part for part in in_order if part.stage == stage) for stage in Stage}
    return PullRequestCost(
        number=number,
        total=_cost(in_order),
        build=by_stage[Stage.BUILD],
        review=by_stage[Stage.REVIEW],
        ci=by_stage[Stage.CI],
        cache_saving_micros=sum(part.cache_saving_micros for part in in_order),
        unpriced_models=tuple(sorted({part.model for part in in_order if part.cost.unpriced_requests})),
        rows=tuple(
            sorted(
                (_row(*key, group) for key, group in by_model.items()),
                key=lambda row: (-row.cost.priced_micros, row.model),
            )
        ),
        sessions=tuple(
            sorted(
                (_session(key, group, session_costs.get(key, ZERO)) for key, group in by_session.items()),
                key=lambda part: (-part.cost.priced_micros, part.from_at, part.short_id),
            )
        ),
        price_books=tuple(sorted({part.price_book for part in in_order if part.cost.is_known})),
    )


def with_sums(
    cost: PullRequestCost,
    by_stage: Mapping[Stage, Cost],
    rows: Sequence[Row],
    cache_saving_micros: Micros,
    details_from: datetime,
) -> PullRequestCost:
    """What a pull request cost in its whole life by sums, where `cost` only knows the requests since `details_from`."""
    return msgspec.structs.replace(
        cost,
        total=sum(by_stage.values(), ZERO),
        build=by_stage.get(Stage.BUILD, ZERO),
        review=by_stage.get(Stage.REVIEW, ZERO),
        ci=by_stage.get(Stage.CI, ZERO),
        cache_saving_micros=cache_saving_micros,
        unpriced_models=tuple(sorted({row.model for row in rows if row.cost.unpriced_requests})),
        rows=tuple(sorted(rows, key=lambda row: (-row.cost.priced_micros, row.model))),
        details_from=details_from,
    )


def suggestions(
    tool: str, session_id: str, claims: Iterable[tuple[Charge, Claim]]
) -> dict[tuple[int, Evidence], Suggestion]:
    """What of a session is left unattributed and nearly fits, by pull request and evidence. What looks invented and belongs to no
    pull request is there under `NO_PULL`."""
    near: defaultdict[tuple[int, Evidence], list[tuple[Charge, Claim]]] = defaultdict(list)
    for charge, claim in claims:
        is_invented = claim.evidence == Evidence.IMPLAUSIBLE
        for number in claim.candidates or ((NO_PULL,) if is_invented else ()):
            near[number, Evidence.IMPLAUSIBLE if is_invented else Evidence.NONE].append((charge, claim))
    return {
        (number, evidence): Suggestion(
            short_id=short_id(tool, session_id),
            tool=tool,
            cost=sum((charge.cost for charge, _ in pairs), ZERO),
            why=pairs[0][1].why,
            evidence=evidence,
        )
        for (number, evidence), pairs in near.items()
    }


def _cost(parts: Iterable[Part]) -> Cost:
    return sum((part.cost for part in parts), ZERO)


def _row(tool: str, model: str, parts: list[Part]) -> Row:
    return Row(
        tool=tool,
        model=model,
        cost=_cost(parts),
        uncached_input_tokens=sum(part.uncached_input_tokens for part in parts),
        cache_read_tokens=sum(part.cache_read_tokens for part in parts),
        cache_write_tokens=sum(part.cache_write_tokens for part in parts),
        output_tokens=sum(part.output_tokens for part in parts),
        tokens_known=any(part.tokens_known for part in parts),
    )


def _session(key: SessionKey, parts: list[Part], session_cost: Cost) -> SessionPart:
    micros_by_why: defaultdict[str, Micros] = defaultdict(int)
    for part in parts:
        micros_by_why[part.why] += part.cost.priced_micros
    strength = list(Evidence)
    return SessionPart(
        short_id=short_id(*key),
        tool=key[0],
        from_at=parts[0].from_at,
        to_at=max(part.to_at for part in parts),
        cost=_cost(parts),
        session_list_micros=session_cost.list_micros,
        session_reported_micros=session_cost.reported_micros,
        evidence=min((part.evidence for part in parts), key=strength.index),
        why=tuple(sorted(micros_by_why, key=lambda why: (-micros_by_why[why], why))),
    )
