"""What one response of Anthropic's Messages API bills: for logs, spans and gateways alike.

`usage.iterations` lists what was computed for a response, one entry for each sampling, and that list is the bill. The vendor's
rules, from the types of its SDK (https://github.com/anthropics/anthropic-sdk-python, `types/beta/beta_iterations_usage.py` and
its neighbours) and its pages:

- the usage beside the list describes only the attempt that returned the message;
- `fallback_message` is the last entry of an attempt by another model that returned the message. Entries of that attempt's own
  tool loop, and those of the attempts that declined before it, are called `message`;
- "A `compaction` entry's tokens are not included in the top-level `usage` fields";
- an `advisor_message` is another model's answer, beside the message;
- an attempt that declines before any output is not charged, its input neither; one that declines later is.
"""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from attribution.usage import Tokens

MESSAGE, FALLBACK, COMPACTION, ADVISOR = "message", "fallback_message", "compaction", "advisor_message"


class Iteration(NamedTuple):
    """An entry of `usage.iterations`; an empty `model` is one that the entry does not say."""

    kind: str
    model: str
    tokens: Tokens


class BilledAttempt(NamedTuple):
    """What is billed at one model. An empty `name` is what returned the message and goes by the response's id; others are told
    apart by it within the response."""

    name: str
    model: str
    tokens: Tokens


def bill(
    model: str, tokens: Tokens, iterations: Sequence[Iteration] = (), *, is_refusal: bool = False
) -> list[BilledAttempt]:
    """What a response bills. `model` and `tokens` are those beside the list, `is_refusal` says that it stopped by refusing."""
    kinds = {iteration.kind for iteration in iterations}
    if not kinds & {FALLBACK, COMPACTION}:
        beside = [number for number, iteration in enumerate(iterations) if iteration.kind == ADVISOR]
    else:
        serving = _serving(iterations, is_fallback=FALLBACK in kinds)
        if serving:
            # The split of cache writes beside the list may be that of an attempt that declined: count the list alone.
            tokens = _sum([iterations[number] for number in serving], tokens.reasoning)
            model = (FALLBACK in kinds and iterations[serving[-1]].model) or model
        beside = [
            number for number in range(len(iterations)) if number not in serving and _is_charged(iterations[number])
        ]
    others = [
        BilledAttempt(
            f"{iterations[number].kind}:{number}", _model(iterations, number, model), iterations[number].tokens
        )
        for number in beside
    ]
    is_free = is_refusal and not tokens.output
    is_empty = bool(others) and tokens == Tokens()
    return others if is_free or is_empty else [BilledAttempt("", model, tokens), *others]


def _serving(iterations: Sequence[Iteration], *, is_fallback: bool) -> list[int]:
    """The entries of the attempt that returned the message: after a fallback those at the end with its model."""
    messages = [number for number, iteration in enumerate(iterations) if iteration.kind in (MESSAGE, FALLBACK)]
    if not is_fallback:
        return messages
    first = len(messages) - 1
    while first > 0 and iterations[messages[first - 1]].model == iterations[messages[-1]].model:
        first -= 1
    return messages[first:]


def _is_charged(iteration: Iteration) -> bool:
    """Of what did not return the message, an attempt declined; without output it did so for nothing."""
    return iteration.kind not in (MESSAGE, FALLBACK) or iteration.tokens.output > 0


def _model(iterations: Sequence[Iteration], number: int, model: str) -> str:
    """A compaction does not say its model, which is that of the attempt that it made room for. An attempt that declined and does
    not say its own had another model than the one that returned the message: which one, nobody knows."""
    iteration = iterations[number]
    if iteration.model or iteration.kind in (MESSAGE, FALLBACK):
        return iteration.model
    attempts = [following for following in iterations[number:] if following.kind in (MESSAGE, FALLBACK)]
    is_fallback = any(entry.kind == FALLBACK for entry in iterations)
    return attempts[0].model if attempts and is_fallback else model


def _sum(iterations: Sequence[Iteration], reasoning: int) -> Tokens:
    """Entries do not say how much of their output was reasoning."""
    tokens = sum((iteration.tokens for iteration in iterations), Tokens())
    return msgspec.structs.replace(tokens, reasoning=min(reasoning, tokens.output)) if reasoning else tokens
