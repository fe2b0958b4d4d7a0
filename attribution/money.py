"""Money as whole micro-dollars (millionths of a US dollar), never a float."""

from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from typing import TypeAlias

Micros: TypeAlias = int

MICROS_PER_CENT = 10_000


def from_usd(usd: Decimal) -> Micros:
    """Micro-dollars for an exact amount in dollars, rounded half to even."""
    return int((usd * 1_000_000).quantize(Decimal(1), rounding=ROUND_HALF_EVEN))


def split(total: int, weights: Sequence[int]) -> list[int]:
    """Share `total` out by `weights` (>= 0) so that the parts sum to it exactly: largest remainder.

    Of equal remainders the earlier part gets the odd unit, so the result depends on the order given, not on luck. With no
    positive weight the parts are equal.
    """
    if not weights:
        raise ValueError("nothing to split among")
    if min(weights) < 0:
        raise ValueError("a weight is negative")
    whole = sum(weights)
    if whole == 0:
        return split(total, [1] * len(weights))
    sign, size = (-1, -total) if total < 0 else (1, total)
    parts = [size * weight // whole for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda i: (-(size * weights[i] % whole), i))
    for i in by_remainder[: size - sum(parts)]:
        parts[i] += 1
    return [sign * part for part in parts]


def to_cents(micros: Micros) -> int:
    """The nearest cent, half to even."""
    cents, rest = divmod(micros, MICROS_PER_CENT)
    half = MICROS_PER_CENT // 2
    return cents + (rest > half or (rest == half and cents % 2 == 1))


def cents_that_sum(parts: Sequence[Micros]) -> list[int]:
    """Round each part (>= 0) to cents so that the column sums to its rounded total, as a table on a page must."""
    if not parts:
        return []
    total = sum(parts)
    return split(to_cents(total), parts) if total else [0] * len(parts)


def show_cents(cents: int) -> str:
    """`1234567` -> `$12,345.67`."""
    sign, size = ("-", -cents) if cents < 0 else ("", cents)
    return f"{sign}${size // 100:,}.{size % 100:02d}"


def show(micros: Micros) -> str:
    """`4_120_000` -> `$4.12`; a positive amount that rounds to nothing is `under $0.01`, because it is not nothing."""
    cents = to_cents(micros)
    return "under $0.01" if cents == 0 and micros > 0 else show_cents(cents)
