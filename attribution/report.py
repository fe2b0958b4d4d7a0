"""View models: what a comment, an issue, a report and the API say, computed from the ledger and never stored."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime

import msgspec

from attribution.budget import Budget
from attribution.evidence import Claim, Evidence, Stage
from attribution.ledger import Charge, Share
from attribution.money import Micros
from attribution.usage import NOT_KNOWN

SessionKey = tuple[str, str]


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """What one tool and model used for a change. `micros` is at list price and leaves out `unpriced_requests`; `tokens_known` is
    False where the tool says no tokens of any of them: the counts are 0 then and mean nothing."""

    tool: str
    model: str
    requests: int
    uncached_input_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    output_tokens: int
    micros: Micros
    unpriced_requests: int
    tokens_known: bool = True


class SessionPart(msgspec.Struct, frozen=True, kw_only=True):
    """The part of one session that a change bears, and why. `micros` of `session_micros`, both at list price."""

    short_id: str
    tool: str
    from_at: datetime
    to_at: datetime
    requests: int
    micros: Micros
    session_micros: Micros
    evidence: Evidence
    why: tuple[str, ...]


class Suggestion(msgspec.Struct, frozen=True, kw_only=True):
    """Work of one session that is booked nowhere and nearly fits a pull request. `micros` is None without a price."""

    short_id: str
    tool: str
    requests: int
    micros: Micros | None
    why: str


class PullRequestCost(msgspec.Struct, frozen=True, kw_only=True):
    """What a pull request cost at list price; `review_micros` of it was spent on reading and reviewing it,
    `ci_micros` in CI.

    `unpriced_requests` are in no amount: their price is not known.
    """

    number: int
    micros: Micros
    review_micros: Micros
    ci_micros: Micros
    cache_saving_micros: Micros
    requests: int
    unpriced_requests: int
    unpriced_models: tuple[str, ...]
    rows: tuple[Row, ...]
    sessions: tuple[SessionPart, ...]
    price_books: tuple[str, ...]
    budget: Budget | None = None

    @property
    def tools(self) -> tuple[str, ...]:
        return tuple(sorted({row.tool for row in self.rows}))

    @property
    def cache_read_part(self) -> tuple[int, int]:
        """Tokens read from cache, of all input tokens."""
        read = sum(row.cache_read_tokens for row in self.rows)
        fresh = sum(row.uncached_input_tokens + row.cache_write_tokens for row in self.rows)
        return read, read + fresh


def short_id(tool: str, session_id: str) -> str:
    """Six hex digits that name a session in a comment. Session ids themselves begin alike (UUIDv7 begins with the time)."""
    return hashlib.sha256(f"{tool}\n{session_id}".encode()).hexdigest()[:6]


def pull_request_cost(
    number: int, booked: Iterable[tuple[Charge, Share]], session_micros: Mapping[SessionKey, Micros]
) -> PullRequestCost:
    """Sum up what is booked to one pull request. `session_micros` holds what each of its sessions cost in all."""
    pairs = sorted(booked, key=lambda pair: (pair[0].usage.at, pair[0].key))
    by_model: defaultdict[tuple[str, str], list[tuple[Charge, Share]]] = defaultdict(list)
    by_session: defaultdict[SessionKey, list[tuple[Charge, Share]]] = defaultdict(list)
    for charge, share in pairs:
        by_model[charge.usage.tool, charge.usage.model].append((charge, share))
        by_session[charge.usage.tool, charge.usage.session_id].append((charge, share))
    unpriced = [charge for charge, share in pairs if share.micros is None]
    return PullRequestCost(
        number=number,
        micros=_sum(pairs),
        review_micros=_sum((charge, share) for charge, share in pairs if share.stage == Stage.REVIEW),
        ci_micros=_sum((charge, share) for charge, share in pairs if share.stage == Stage.CI),
        cache_saving_micros=sum(_part(charge.cache_saving_micros, share, charge) for charge, share in pairs),
        requests=len(pairs),
        unpriced_requests=len(unpriced),
        unpriced_models=tuple(sorted({charge.usage.model for charge in unpriced})),
        rows=tuple(
            sorted((_row(*key, group) for key, group in by_model.items()), key=lambda row: (-row.micros, row.model))
        ),
        sessions=tuple(_session(key, group, session_micros[key]) for key, group in by_session.items()),
        price_books=tuple(sorted({charge.price_book for charge, share in pairs if share.micros is not None})),
    )


def suggestions(tool: str, session_id: str, claims: Iterable[tuple[Charge, Claim]]) -> dict[int, Suggestion]:
    """What of a session is left unattributed and nearly fits, by pull request."""
    near: defaultdict[int, list[tuple[Charge, Claim]]] = defaultdict(list)
    for charge, claim in claims:
        for number in claim.candidates:
            near[number].append((charge, claim))
    return {
        number: Suggestion(
            short_id=short_id(tool, session_id),
            tool=tool,
            requests=len(pairs),
            micros=sum(amounts)
            if (amounts := [one.list_micros for one, _ in pairs if one.list_micros is not None])
            else None,
            why=pairs[0][1].why,
        )
        for number, pairs in near.items()
    }


def _sum(pairs: Iterable[tuple[Charge, Share]]) -> Micros:
    return sum(share.micros or 0 for _, share in pairs)


def _part(micros: Micros, share: Share, charge: Charge) -> Micros:
    """A secondary figure of a charge, cut as its money is."""
    if not charge.list_micros or share.micros is None:
        return 0
    return micros * share.micros // charge.list_micros


def _row(tool: str, model: str, pairs: list[tuple[Charge, Share]]) -> Row:
    used = sum((charge.usage.tokens for charge, _ in pairs), NOT_KNOWN)
    return Row(
        tool=tool,
        model=model,
        requests=len(pairs),
        uncached_input_tokens=used.uncached_input,
        cache_read_tokens=used.cache_read,
        cache_write_tokens=used.cache_write,
        output_tokens=used.output,
        micros=_sum(pairs),
        unpriced_requests=sum(share.micros is None for _, share in pairs),
        tokens_known=used.is_known,
    )


def _session(key: SessionKey, pairs: list[tuple[Charge, Share]], session_micros: Micros) -> SessionPart:
    micros_by_why: defaultdict[str, int] = defaultdict(int)
    for _, share in pairs:
        micros_by_why[share.why] += share.micros or 0
    strength = list(Evidence)
    return SessionPart(
        short_id=short_id(*key),
        tool=key[0],
        from_at=pairs[0][0].usage.at,
        to_at=pairs[-1][0].usage.at,
        requests=len(pairs),
        micros=_sum(pairs),
        session_micros=session_micros,
        evidence=min((share.evidence for _, share in pairs), key=strength.index),
        why=tuple(sorted(micros_by_why, key=lambda why: (-micros_by_why[why], why))),
    )
