"""How the figure of one request came about: the logs that hold it, what each says, what counts, and the price item by item."""

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from attribution.cost import NOT_KNOWN
from attribution.ledger import charge
from attribution.money import show
from attribution.pricing import PRICE_BOOK, Price, items, price
from attribution.usage import Usage
from attribution.usage_merge import unique
from collector.logs import Tally, plain
from collector.reading import read_on
from collector.scan import readings, scan_with_index
from collector.terminal import out

# As people read them: what went in, then what came out.
_KINDS = ("uncached_input", "cache_read", "cache_write_5m", "cache_write_1h", "output", "reasoning")


def explain(request_id: str, home: Path | None, env: Mapping[str, str]) -> int:
    """Print it. Returns 1 if no log holds the request."""
    copies = _in_logs(request_id, home, env)
    usages = scan_with_index(home, env).usages
    from_index = [usage for usage in usages if request_id in (usage.request_id, *usage.aliases)]
    if not copies and not from_index:
        out(f"No log holds a request {request_id}. `mergecost scan --json` lists them all.")
        return 1
    for path, usage in copies:
        out(f"{plain(path)}\n  {_counts(usage)}")
    if len(copies) > 1:
        out(f"\nThese {len(copies)} are one request: the most complete counts.")
    for usage in from_index or unique(usage for _, usage in copies):
        out(f"\n{_facts(usage)}\n\n{_price(usage)}")
    return 0


def _in_logs(request_id: str, home: Path | None, env: Mapping[str, str]) -> list[tuple[Path, Usage]]:
    return [
        (path, usage)
        for reading, paths in readings(home or Path.home(), {} if home else env, Tally())
        for path in paths
        for usage in read_on(reading, path).requests
        if request_id in (usage.request_id, *usage.aliases)
    ]


def _counts(usage: Usage) -> str:
    if not usage.tokens.is_known:
        return f"tokens {NOT_KNOWN}"
    counts = ", ".join(f"{kind.replace('_', ' ')} {getattr(usage.tokens, kind):,}" for kind in _KINDS)
    return f"{counts}{' (a sum of several requests)' if usage.is_sum else ''}"


def _facts(usage: Usage) -> str:
    plain = msgspec.to_builtins(usage)
    parts = {**plain, **plain.get("context", {}), **plain.get("work", {})}
    left_out = {"tokens", "context", "work", "is_sum"}
    facts = {name: value for name, value in parts.items() if value and name not in left_out}
    return "\n".join(f"{name}: {_fact(value)}" for name, value in facts.items())


def _fact(value: Any) -> str:
    """A value, a list of them, or of commits and pull requests by what names them."""
    if isinstance(value, dict):
        return str(value.get("sha") or f"#{value.get('number')} ({value.get('how')})")
    return ", ".join(map(_fact, value)) if isinstance(value, list | tuple) else str(value)


def _price(usage: Usage) -> str:
    answer = price(usage)
    if not isinstance(answer, Price):
        own_micros = charge(usage).list_micros
        own = f" The tool itself reports {show(own_micros)}." if own_micros is not None else ""
        return f"No list price: {answer.reason}.{own}"
    lines = [
        f"{item.count:>12,}  {item.what:<31} x ${item.usd_per_million.normalize():f} a million = "
        f"${(item.count * item.usd_per_million / Decimal(1_000_000)):.6f}"
        for item in items(usage)
        if item.count
    ]
    return "\n".join(
        [*lines, f"List price {show(answer.list_micros)} ({answer.list_micros:,} millionths of a dollar; {PRICE_BOOK})"]
    )
