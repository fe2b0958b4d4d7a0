"""List price of a request, to the micro-dollar. The only importer of genai_prices (MIT, https://github.com/pydantic/genai-prices).

The library knows the rates, dated, with cache writes of five minutes and one hour, tiers for long context (which hold for the
whole request) and fast or priority variants. In front of it stands a small dated table of what it lacks.
"""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from functools import cache, lru_cache

import genai_prices
import msgspec
from genai_prices.data_snapshot import get_snapshot
from genai_prices.types import ModelInfo, ModelPrice, TieredPrices, TimeOfDateConstraint

from attribution.money import Micros
from attribution.usage import Usage


class Item(msgspec.Struct, frozen=True):
    """A part of a price: so many tokens (or searches) at dollars a million."""

    what: str
    count: int
    usd_per_million: Decimal


class Price(msgspec.Struct, frozen=True):
    """`list_micros` is the API list price at the time of the request; `cache_saving_micros` what reading from cache saved
    against sending those tokens as plain input (writing to cache costs extra and is in the price, not in the saving)."""

    list_micros: Micros
    cache_saving_micros: Micros


class Unpriced(msgspec.Struct, frozen=True):
    """No known price; `reason` is shown to people."""

    reason: str


class Surcharge(msgspec.Struct, frozen=True):
    """A factor on the whole request that the library does not model: [since, until) in UTC days, for models that match."""

    model: str
    field: str
    value: str
    factor: Decimal
    since: date
    until: date = date.max


# Dated, with sources. Add a row, never change one: history keeps its price.
SURCHARGES = (
    # Fast mode of Opus 4.6 and 4.7: https://code.claude.com/docs/en/fast-mode
    Surcharge(r"claude-opus-4-6", "speed", "fast", Decimal(6), date(2026, 2, 5)),
    Surcharge(r"claude-opus-4-7", "speed", "fast", Decimal(6), date(2026, 2, 5), date(2026, 7, 24)),
    # Inference kept in the US: https://platform.claude.com/docs/en/about-claude/pricing#data-residency-pricing
    Surcharge(r"claude-[a-z]+-(4-[6-9]|[5-9])", "inference_geo", "us", Decimal("1.1"), date(2026, 2, 5)),
)

PRICE_BOOK = f"genai-prices {genai_prices.__version__}, table 1"

_ZERO = Decimal(0)
_BEDROCK = re.compile(r"^(?:[a-z]+\.)?anthropic\.")
_ORDINARY = ("", "standard", "default", "auto")


class _Rates(msgspec.Struct, frozen=True):
    """Dollars a million, surcharges included, for requests with more than `above` input tokens."""

    above: int
    input: Decimal
    cache_read: Decimal
    cache_write_5m: Decimal
    cache_write_1h: Decimal
    output: Decimal
    web_search: Decimal


def price(usage: Usage) -> Price | Unpriced:
    """What `usage` cost at list price on its day, or why that is not known."""
    rates = _rates_of(usage)
    if isinstance(rates, Unpriced):
        return rates
    tokens = usage.tokens
    # Dollars a million are micro-dollars each. Rounded half to even.
    micros = (
        tokens.uncached_input * rates.input
        + tokens.cache_read * rates.cache_read
        + tokens.cache_write_5m * rates.cache_write_5m
        + tokens.cache_write_1h * rates.cache_write_1h
        + tokens.output * rates.output
        + usage.web_search_requests * rates.web_search
    )
    return Price(round(micros), round(tokens.cache_read * (rates.input - rates.cache_read)))


def items(usage: Usage) -> tuple[Item, ...]:
    """The parts of a price, which sum to it before it is rounded. Empty where it is not known."""
    rates, tokens = _rates_of(usage), usage.tokens
    if isinstance(rates, Unpriced):
        return ()
    return (
        Item("input", tokens.uncached_input, rates.input),
        Item("read from cache", tokens.cache_read, rates.cache_read),
        Item("written to cache for 5 minutes", tokens.cache_write_5m, rates.cache_write_5m),
        Item("written to cache for an hour", tokens.cache_write_1h, rates.cache_write_1h),
        Item("output", tokens.output, rates.output),
        Item("web searches", usage.web_search_requests, rates.web_search),
    )


def _rates_of(usage: Usage) -> _Rates | Unpriced:
    tokens = usage.tokens
    if not tokens.is_known:
        return Unpriced("the tool does not say how many tokens it used")
    at = usage.at.astimezone(UTC)
    when = at if _changes_in_a_day(usage.model, usage.provider) else at.date()
    table = _rates(usage.model, usage.provider, usage.speed, usage.service_tier, usage.inference_geo, when)
    if isinstance(table, Unpriced):
        return table
    # Tiers are for one long request; of a sum nobody knows how long its requests were.
    length = 0 if usage.is_sum else tokens.input
    return next((rates for rates in table if length > rates.above), table[-1])


@lru_cache(maxsize=4096)
def _rates(
    name: str, provider: str, speed: str, service_tier: str, inference_geo: str, when: date
) -> tuple[_Rates, ...] | Unpriced:
    """The rates on a UTC day, or at a time, those of the longest requests first; or why there are none. Looked up once: requests
    come by the thousand, and days, models and variants are few."""
    at = when if isinstance(when, datetime) else datetime.combine(when, time(), UTC)
    model = _find(name, provider)
    if model is None:
        return Unpriced(f"no list price known for the model {name!r}")
    options = {"speed": speed, "service_tier": service_tier, "inference_geo": inference_geo}
    book, variant, factor = model.get_prices(at), _variant(name, speed, service_tier), _surcharge(name, options, at)
    if variant:
        standard, book = book, model.get_prices(at, variant)
        if book == standard and factor == 1:
            return Unpriced(f"no price known for {name!r} at {' '.join(variant.values())}")
    values: dict[str, Decimal | TieredPrices] = {key: value for key, value in vars(book).items() if value is not None}
    if "input_mtok" not in values or "output_mtok" not in values:
        return Unpriced(f"the model {name!r} is not sold by the token")
    starts = {tier.start for value in values.values() if isinstance(value, TieredPrices) for tier in value.tiers}
    return tuple(_of_length(values, factor, above) for above in sorted({-1, *starts}, reverse=True))


def _of_length(values: Mapping[str, Decimal | TieredPrices], factor: Decimal, above: int) -> _Rates:
    rates = {key: _rate(value, above + 1) for key, value in values.items()}
    plain = rates["input_mtok"]
    write_5m = rates.get("cache_write_mtok", plain)
    return _Rates(
        above=above,
        input=plain * factor,
        cache_read=rates.get("cache_read_mtok", plain) * factor,
        cache_write_5m=write_5m * factor,
        cache_write_1h=rates.get("cache_write_1h_mtok", write_5m) * factor,
        output=rates["output_mtok"] * factor,
        web_search=rates.get("web_searches_kcount", _ZERO) * 1000,
    )


def window_tokens(usage: Usage) -> int | None:
    """How many tokens the model takes in one request, as the library has it; None where that is not known."""
    model = _find(usage.model, usage.provider)
    return model.context_window if model else None


@cache
def _find(name: str, provider_name: str) -> ModelInfo | None:
    """The library's model for a tool's name of it, its maker's price first. A gateway's prefix (`anthropic/...`) names the
    provider, and so may the tool."""
    vendor, _, bare = name.rpartition("/")
    provider = "aws" if _BEDROCK.match(bare) else None
    for candidate, provider_id in ((bare, provider), (name, vendor.rpartition("/")[2] or None), (name, provider_name)):
        try:
            return get_snapshot().find_provider_model(candidate, None, provider_id, None)[1]
        except LookupError:
            continue
    return None


@cache
def _changes_in_a_day(name: str, provider_name: str) -> bool:
    """Whether a model is cheaper at night, say."""
    model = _find(name, provider_name)
    if model is None:
        return False
    prices = [] if isinstance(model.prices, ModelPrice) else model.prices
    return any(isinstance(part.constraint, TimeOfDateConstraint) for part in (*prices, *(model.price_variants or ())))


def _variant(model: str, speed: str, service_tier: str) -> dict[str, str]:
    """What sets this request apart from the standard price. Anthropic's priority tier is a commitment, at the same list price."""
    tier = "" if service_tier == "priority" and model.startswith("claude") else service_tier
    options = {"speed": speed, "service_tier": tier} if tier != "batch" else {"processing": tier}
    return {key: value for key, value in options.items() if value not in _ORDINARY}


def _rate(value: Decimal | TieredPrices, input_tokens: int) -> Decimal:
    if isinstance(value, Decimal):
        return value
    rate = value.base
    for tier in value.tiers:
        if input_tokens > tier.start:
            rate = tier.price
    return rate


def _surcharge(model: str, options: Mapping[str, str], at: datetime) -> Decimal:
    factor = Decimal(1)
    for row in SURCHARGES:
        is_asked_for = options[row.field] == row.value
        if is_asked_for and row.since <= at.date() < row.until and re.search(row.model, model):
            factor *= row.factor
    return factor
