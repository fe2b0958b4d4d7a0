"""Several records of one request as one: copies of logs, snapshots while it streamed, telemetry, under any of its ids."""

from collections.abc import Iterable
from operator import attrgetter
from typing import Any

import msgspec

from attribution.usage import Usage

# What decides the price travels together: never mix the counts of two snapshots of a request.
_BILLED = ("tokens", "web_search_requests", "model", "provider", "speed", "service_tier", "inference_geo")
_TOOL_FIGURES = ("reported_micros", "credits_micros")


def merge(a: Usage, b: Usage) -> Usage:
    """Two records of the same request as one.

    The most complete counts win whole, so does the context with the best source; the earliest time, all ids and the work that
    either knows are kept. Commutative, associative and idempotent: order and repetition of arrival change nothing.
    """
    if a == b:
        return a
    billed = max(a, b, key=_completeness)
    request_id = min(a.request_id, b.request_id)
    return msgspec.structs.replace(
        billed,
        at=min(a.at, b.at),
        session_id=min(a.session_id, b.session_id),
        request_id=request_id,
        aliases=other_names(request_id, (a.request_id, b.request_id, *a.aliases, *b.aliases)),
        agent_id=max(a.agent_id, b.agent_id),
        context=a.context
        if a.context == b.context
        else max(a.context, b.context, key=lambda context: context.precedence),
        work=a.work | b.work,
    )


def with_request_id(usage: Usage, request_id: str) -> Usage:
    """The same request under another of its ids."""
    if usage.request_id == request_id:
        return usage
    aliases = other_names(request_id, (usage.request_id, *usage.aliases))
    return msgspec.structs.replace(usage, request_id=request_id, aliases=aliases)


def other_names(request_id: str, names: Iterable[str]) -> tuple[str, ...]:
    """The ids of a request besides the one that it goes by, as `aliases` has them."""
    return tuple(sorted({*names} - {request_id}))


def unique(usages: Iterable[Usage]) -> list[Usage]:
    """Each request once, by whichever of its ids records name it, in an order that does not depend on theirs."""
    # Plain tuples: this runs over every request of every log.
    by_name: dict[tuple[str, str], Usage] = {}
    others: dict[tuple[str, str], tuple[str, str]] = {}  # further ids, by which of `by_name` they are
    for usage in usages:
        tool, key = usage.tool, (usage.tool, usage.request_id)
        names = [key, *[(tool, alias) for alias in usage.aliases]] if usage.aliases else [key]
        places: list[tuple[str, str]] = []
        for name in names:
            place = others.get(name, name)
            if place in by_name and place not in places:
                places.append(place)
        whole, first = usage, places[0] if places else key
        for place in places:
            whole = merge(by_name.pop(place), whole)
            names += [(tool, name) for name in (whole.request_id, *whole.aliases)]
        by_name[first] = whole
        for name in names:
            if name != first:
                others[name] = first
    return sorted(by_name.values(), key=attrgetter("at", "tool", "request_id"))


def _completeness(usage: Usage) -> list[Any]:
    figures = [-1 if (micros := getattr(usage, name)) is None else micros for name in _TOOL_FIGURES]
    return [usage.tokens.is_known, usage.is_sum, *(getattr(usage, name) for name in _BILLED), *figures]
