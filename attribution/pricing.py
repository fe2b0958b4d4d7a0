"""List price of a request, to the micro-dollar. The only importer of genai_prices (MIT, https://github.com/pydantic/genai-prices).

The library knows the rates, dated, with cache writes of five minutes and one hour, tiers for long context (which hold for the
whole request) and fast or priority variants. In front of it stands a small dated table of what it lacks.
"""

import re
from datetime import date
from decimal import Decimal
from functools import cache

import genai_prices
import msgspec
from genai_prices.data_snapshot import get_snapshot
from genai_prices.types import ModelInfo, TieredPrices

from attribution.money import Micros, from_usd
from attribution.usage import Usage


class Item(msgspec.Struct, frozen=True):
    """A part of a price: so many tokens (or searches) at dollars a million."""

    what: str
    count: int
    usd_per_million: Decimal


class Price(msgspec.Struct, frozen=True):
    """`list_micros` is the API list price at the time of the request; `cache_saving_micros` what reading from cache saved
    against sending those tokens as plain input (writing to cache costs extra and is in the price, not in the saving). The `items`
    sum to the price before it is rounded."""

    list_micros: Micros
    cache_saving_micros: Micros
    items: tuple[Item, ...] = ()


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

_MILLION = Decimal(1_000_000)
_BEDROCK = re.compile(r"^(?:[a-z]+\.)?anthropic\.")
_ORDINARY = ("", "standard", "default", "auto")


def price(usage: Usage) -> Price | Unpriced:
    """What `usage` cost at list price on its day, or why that is not known."""
    if not usage.tokens.is_known:
        return Unpriced("the tool does not say how many tokens it used")
    model = _find(usage.model, usage.provider)
    if model is None:
        return Unpriced(f"no list price known for the model {usage.model!r}")
    book, variant, factor = model.get_prices(usage.at), _variant(usage), _surcharge(usage)
    if variant:
        standard, book = book, model.get_prices(usage.at, variant)
        if book == standard and factor == 1:
            return Unpriced(f"no price known for {usage.model!r} at {' '.join(variant.values())}")
    # Tiers are for one long request; of a sum nobody knows how long its requests were.
    length = 0 if usage.is_sum else usage.tokens.input
    rates = {key: _rate(value, length) for key, value in vars(book).items() if value is not None}
    if "input_mtok" not in rates or "output_mtok" not in rates:
        return Unpriced(f"the model {usage.model!r} is not sold by the token")
    plain = rates["input_mtok"]
    read = rates.get("cache_read_mtok", plain)
    write_5m = rates.get("cache_write_mtok", plain)
    items = (
        Item("input", usage.tokens.uncached_input, plain * factor),
        Item("read from cache", usage.tokens.cache_read, read * factor),
        Item("written to cache for 5 minutes", usage.tokens.cache_write_5m, write_5m * factor),
        Item(
            "written to cache for an hour",
            usage.tokens.cache_write_1h,
            rates.get("cache_write_1h_mtok", write_5m) * factor,
        ),
        Item("output", usage.tokens.output, rates["output_mtok"] * factor),
        Item("web searches", usage.web_search_requests, rates.get("web_searches_kcount", Decimal(0)) * 1000),
    )
    usd = sum((item.count * item.usd_per_million for item in items), Decimal(0)) / _MILLION
    saving = usage.tokens.cache_read * (plain - read) / _MILLION
    return Price(list_micros=from_usd(usd), cache_saving_micros=from_usd(saving * factor), items=items)


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


def _variant(usage: Usage) -> dict[str, str]:
    """What sets this request apart from the standard price. Anthropic's priority tier is a commitment, at the same list price."""
    tier = "" if usage.service_tier == "priority" and usage.model.startswith("claude") else usage.service_tier
    options = {"speed": usage.speed, "service_tier": tier} if tier != "batch" else {"processing": tier}
    return {key: value for key, value in options.items() if value not in _ORDINARY}


def _rate(value: Decimal | TieredPrices, input_tokens: int) -> Decimal:
    if isinstance(value, Decimal):
        return value
    rate = value.base
    for tier in value.tiers:
        if input_tokens > tier.start:
            rate = tier.price
    return rate


def _surcharge(usage: Usage) -> Decimal:
    day, factor = usage.at.date(), Decimal(1)
    for row in SURCHARGES:
        if (
            getattr(usage, row.field) == row.value
            and row.since <= day < row.until
            and re.search(row.model, usage.model)
        ):
            factor *= row.factor
    return factor
