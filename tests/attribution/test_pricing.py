from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import genai_prices
import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from attribution import pricing
from attribution.money import from_usd
from attribution.pricing import Price, Unpriced, price
from attribution.usage import TOKEN_KINDS, Tokens
from tests.attribution.strategies import usages
from tests.notation import session

NOV = datetime(2026, 11, 20, tzinfo=UTC)
OFFSET = timezone(timedelta(hours=-7))


def usage(**fields):
    """A request with these fields; those that are kinds of tokens are its tokens."""
    tokens = Tokens(**{kind: fields.pop(kind) for kind in TOKEN_KINDS if kind in fields})
    return msgspec.structs.replace(session("09:00 main $0.00")[0], **({"at": NOV, "tokens": tokens} | fields))


@given(usages())
def test_it_agrees_with_the_price_library_to_the_micro_dollar(request):
    ours = price(request)
    assume(isinstance(ours, Price))
    theirs = genai_prices.calc_price(
        genai_prices.Usage(
            input_tokens=request.tokens.input,
            cache_read_tokens=request.tokens.cache_read,
            cache_write_tokens=request.tokens.cache_write,
            cache_write_1h_tokens=request.tokens.cache_write_1h if request.model.startswith("claude") else None,
            output_tokens=request.tokens.output,
        ),
        request.model,
        genai_request_timestamp=request.at,
    )
    assert ours.list_micros == from_usd(theirs.total_price)


@st.composite
def variants(draw):
    """Requests whose rates differ in one thing or another; DeepSeek's also with the hour."""
    models = [
        "claude-opus-4-6",
        "claude-opus-4-7",
        "claude-opus-5",
        "claude-sonnet-4-5",
        "deepseek-chat",
        "gpt-5.3-codex",
        "none",
    ]
    return msgspec.structs.replace(
        draw(usages()),
        model=draw(st.sampled_from(models)),
        at=draw(st.datetimes(datetime(2025, 1, 1), datetime(2026, 11, 20), timezones=st.sampled_from([UTC, OFFSET]))),  # noqa: DTZ001
        provider=draw(st.sampled_from(["", "openai", "deepseek"])),
        speed=draw(st.sampled_from(["", "fast", "standard"])),
        service_tier=draw(st.sampled_from(["", "priority", "batch", "flex"])),
        inference_geo=draw(st.sampled_from(["", "us", "eu"])),
        is_sum=draw(st.booleans()),
    )


@given(st.lists(variants(), max_size=12))
def test_a_price_is_the_same_whatever_was_priced_before(requests):
    after_others = [price(request) for request in requests]
    alone = []
    for request in requests:
        pricing._rates.cache_clear()
        alone.append(price(request))
    assert after_others == alone


def test_rates_are_looked_up_once_for_a_day_model_and_variant():
    pricing._rates.cache_clear()
    for minute in range(100):
        price(usage(at=NOV + timedelta(minutes=minute), uncached_input=minute))
    price(usage(at=NOV + timedelta(days=1)))
    price(usage(speed="fast"))
    assert pricing._rates.cache_info().misses == 3


def test_a_price_by_the_hour_holds_in_its_hours():
    """https://api-docs.deepseek.com/quick_start/pricing"""
    quiet, busy = (price(usage(model="deepseek-v4-pro", at=NOV + timedelta(hours=h), output=1000)) for h in (0, 2))
    assert busy.list_micros == 2 * quiet.list_micros


def test_an_hour_of_cache_costs_twice_the_input_and_five_minutes_a_quarter_more():
    million = 1_000_000
    assert price(usage(cache_write_5m=million)).list_micros == 6_250_000
    assert price(usage(cache_write_1h=million)).list_micros == 10_000_000
    read = price(usage(cache_read=million))
    assert (read.list_micros, read.cache_saving_micros) == (500_000, 4_500_000)


def test_a_long_context_is_dearer_as_a_whole_and_only_above_its_limit():
    at_limit = price(usage(model="claude-sonnet-4-5", uncached_input=200_000))
    above = price(usage(model="claude-sonnet-4-5", uncached_input=200_001))
    assert at_limit.list_micros == 600_000
    assert above.list_micros == 1_200_006


def test_the_price_of_the_day_holds():
    long = {"model": "claude-opus-4-6", "uncached_input": 300_000}
    before, after = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 20, tzinfo=UTC)
    assert price(usage(at=before, **long)).list_micros == 2 * price(usage(at=after, **long)).list_micros


@pytest.mark.parametrize(
    ("fields", "factor"),
    [
        ({"model": "claude-opus-4-6", "speed": "fast"}, Decimal(6)),
        ({"model": "claude-opus-5", "speed": "fast"}, Decimal(2)),
        ({"model": "claude-opus-5", "inference_geo": "us"}, Decimal("1.1")),
        ({"model": "claude-opus-5", "inference_geo": "global"}, Decimal(1)),
        ({"model": "claude-sonnet-4-5", "inference_geo": "us"}, Decimal(1)),
        ({"model": "claude-opus-5", "service_tier": "priority"}, Decimal(1)),
        ({"model": "claude-opus-5", "service_tier": "batch"}, Decimal("0.5")),
        ({"model": "gpt-5.3-codex", "service_tier": "priority"}, Decimal(2)),
    ],
)
def test_what_sets_a_request_apart_is_priced(fields, factor):
    plain = price(usage(model=fields["model"], uncached_input=100_000))
    assert price(usage(uncached_input=100_000, **fields)).list_micros == plain.list_micros * factor


def test_web_searches_are_paid_for():
    assert price(usage(web_search_requests=3)).list_micros == 30_000


@pytest.mark.parametrize("model", ["", "nobody-knows-1", "gpt-5.6-codex", "<synthetic>", "../etc", "a" * 5000])
def test_an_unknown_model_has_no_price_and_is_not_free(model):
    answer = price(usage(model=model, uncached_input=5))
    assert isinstance(answer, Unpriced)
    assert "no list price" in answer.reason


def test_a_speed_that_nobody_has_a_price_for_is_not_sold_at_the_ordinary_one():
    fast = price(usage(model="claude-sonnet-4-5", speed="fast", uncached_input=5))
    assert fast == Unpriced("no price known for 'claude-sonnet-4-5' at fast")


@pytest.mark.parametrize(
    "name",
    [
        "claude-opus-4-6[1m]",
        "anthropic/claude-opus-4.6",
        "openrouter/anthropic/claude-opus-4.6",
        "claude-opus-4-6@20260205",
    ],
)
def test_gateways_and_aliases_are_understood(name):
    assert price(usage(model=name, uncached_input=1_000_000)).list_micros == 5_000_000


def test_amazon_sells_at_its_own_price():
    regional = price(usage(model="us.anthropic.claude-opus-4-6-v1:0", uncached_input=1_000_000))
    assert regional.list_micros == 5_500_000


def test_later_is_not_dearer_without_a_reason():
    request = usage(uncached_input=10)
    assert price(request) == price(msgspec.structs.replace(request, at=NOV + timedelta(days=1)))
