"""What a response bills, against responses put together attempt by attempt, as the API does."""

from collections import Counter
from typing import NamedTuple

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from attribution.response_bill import ADVISOR, COMPACTION, FALLBACK, MESSAGE, BilledAttempt, Iteration, bill
from attribution.usage import Tokens

OPUS, FABLE, HAIKU = "claude-opus-5-5", "claude-fable-5", "claude-haiku-5"
COUNTS = st.integers(1, 90_000)
TOKENS = st.builds(
    Tokens, uncached_input=COUNTS, cache_read=COUNTS, cache_write_5m=COUNTS, cache_write_1h=COUNTS, output=COUNTS
)


class Response(NamedTuple):
    """What the API says of a response, and what it billed: tokens by model, those of the returned message apart."""

    model: str
    tokens: Tokens
    iterations: list[Iteration]
    returned: Tokens | None
    others: Counter[tuple[str, Tokens]]


@st.composite
def responses(draw: st.DrawFn) -> Response:
    """Attempts of several models, of which the last one returns; each a loop of samplings, with compactions and advisers between."""
    models = draw(st.lists(st.sampled_from([OPUS, FABLE, HAIKU]), min_size=1, max_size=3, unique=True))
    iterations: list[Iteration] = []
    others: Counter[tuple[str, Tokens]] = Counter()
    loop: list[Tokens] = []
    for model in models:
        is_last = model == models[-1]
        loop = draw(st.lists(TOKENS, min_size=1, max_size=3))
        for tokens in loop:
            if draw(st.booleans()):
                beside = draw(TOKENS)
                kind, its_model = draw(st.sampled_from([(COMPACTION, ""), (ADVISOR, "claude-mythos-1")]))
                iterations.append(Iteration(kind, its_model, beside))
                others[its_model or model, beside] += 1
            iterations.append(Iteration(MESSAGE, model, tokens))
            if not is_last:
                others[model, tokens] += 1
        if not is_last and draw(st.booleans()):  # declined before any output
            iterations.append(Iteration(MESSAGE, model, msgspec.structs.replace(draw(TOKENS), output=0)))
    if len(models) > 1:
        iterations[-1] = iterations[-1]._replace(kind=FALLBACK)
    returned = sum(loop, Tokens())
    beside_list = returned
    if len(models) > 1:  # the split that an attempt left behind which declined
        beside_list = msgspec.structs.replace(returned, cache_write_1h=draw(COUNTS), cache_write_5m=0)
    return Response(models[-1], beside_list, iterations, returned, others)


@given(responses())
def test_each_attempt_is_billed_once_at_its_own_model(response: Response):
    attempts = bill(response.model, response.tokens, response.iterations)
    assert [attempt for attempt in attempts if not attempt.name] == [
        BilledAttempt("", response.model, response.returned or Tokens())
    ]
    assert Counter((attempt.model, attempt.tokens) for attempt in attempts if attempt.name) == response.others
    assert len({attempt.name for attempt in attempts}) == len(attempts)


@given(TOKENS, st.integers(0, 3))
def test_a_refusal_before_any_output_is_free_and_one_after_it_is_not(tokens: Tokens, output: int):
    stopped = msgspec.structs.replace(tokens, output=output)
    billed = bill(OPUS, stopped, is_refusal=True)
    assert billed == ([BilledAttempt("", OPUS, stopped)] if output else [])


def test_a_real_fallback():
    """One attempt that was declined late, and one that served; the list's last entry is what stands beside it."""
    served = Tokens(uncached_input=2, output=13_658, cache_read=79_214)
    declined = Tokens(uncached_input=2, output=578, cache_write_5m=10_421, cache_read=72_769)
    iterations = [Iteration(MESSAGE, FABLE, declined), Iteration(FALLBACK, OPUS, served)]
    assert bill(OPUS, served, iterations) == [
        BilledAttempt("", OPUS, served),
        BilledAttempt("message:0", FABLE, declined),
    ]


def test_an_attempt_that_declined_and_says_no_model_has_none_of_ours():
    iterations = [Iteration(MESSAGE, "", Tokens(output=5)), Iteration(FALLBACK, OPUS, Tokens(output=7))]
    assert bill(OPUS, Tokens(output=7), iterations)[1] == BilledAttempt("message:0", "", Tokens(output=5))


def test_a_pause_after_compaction_bills_the_compaction_alone():
    compaction = Tokens(uncached_input=150_000, output=3_000)
    assert bill(OPUS, Tokens(), [Iteration(COMPACTION, "", compaction)]) == [
        BilledAttempt("compaction:0", OPUS, compaction)
    ]


def test_a_refusal_still_bills_what_stood_beside_it():
    adviser = Tokens(uncached_input=40, output=4)
    iterations = [Iteration(ADVISOR, HAIKU, adviser), Iteration(MESSAGE, OPUS, Tokens(uncached_input=9))]
    assert bill(OPUS, Tokens(uncached_input=9), iterations, is_refusal=True) == [
        BilledAttempt("advisor_message:0", HAIKU, adviser)
    ]


def test_reasoning_is_a_part_of_what_the_list_says():
    iterations = [Iteration(COMPACTION, "", Tokens(output=9)), Iteration(MESSAGE, OPUS, Tokens(output=5))]
    (message, _) = bill(OPUS, Tokens(output=5, reasoning=4), iterations)
    assert message.tokens == Tokens(output=5, reasoning=4)
