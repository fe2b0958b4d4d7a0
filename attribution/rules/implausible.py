"""Requests that look invented are kept apart: attributed to nothing, and shown as questioned until a maintainer links them."""

from collections import defaultdict
from collections.abc import Iterator, Mapping

from attribution.evidence import Claim, Evidence, claim
from attribution.repository_index import RepositoryIndex
from attribution.session import Session
from attribution.usage import Usage

# No model on the market takes more in one request; few take half of it.
MOST_TOKENS_AT_ONCE = 2_100_000
# A conversation grows with each request, so equal counts are rare: short probes and retries repeat, long work does not.
MOST_REPEATS = 10
_LEAST_OUTPUT_TOKENS = 20
# Sub-agents work in parallel, by the dozen; each takes seconds to answer.
MOST_IN_TEN_SECONDS = 200


def implausible(session: Session, _index: RepositoryIndex, _claims: Mapping[int, Claim]) -> dict[int, Claim]:
    """Requests larger than any model takes, the same counts again and again, or more at once than tools can make."""
    answers: dict[int, Claim] = {}
    for why, turns in (*_too_large(session), *_repeats(session), *_at_once(session)):
        answers = dict.fromkeys(turns, claim(None, Evidence.IMPLAUSIBLE, why)) | answers
    return answers


def _too_large(session: Session) -> Iterator[tuple[str, list[int]]]:
    large = [
        i for i, turn in enumerate(session.turns) if _size(turn.usage) > MOST_TOKENS_AT_ONCE and not turn.usage.is_sum
    ]
    yield "more tokens in one request than any model takes", large


def _repeats(session: Session) -> Iterator[tuple[str, list[int]]]:
    alike: defaultdict[tuple[int, ...], list[int]] = defaultdict(list)
    for i, turn in enumerate(session.turns):
        usage = turn.usage
        if usage.tokens.output >= _LEAST_OUTPUT_TOKENS and usage.tokens.input:
            counts = (
                usage.tokens.uncached_input,
                usage.tokens.cache_read,
                usage.tokens.cache_write,
                usage.tokens.output,
            )
            alike[counts].append(i)
    for turns in alike.values():
        if len(turns) > MOST_REPEATS:
            yield f"the same token counts {len(turns)} times in one session", turns[MOST_REPEATS:]


def _at_once(session: Session) -> Iterator[tuple[str, list[int]]]:
    times = sorted((turn.usage.at.timestamp(), i) for i, turn in enumerate(session.turns) if not turn.usage.is_sum)
    first = 0
    excess: set[int] = set()
    # Requests within the limit count, so that more usage never reduces what was there.
    for last in range(len(times)):
        while times[last][0] - times[first][0] > 10:
            first += 1
        # One time for all is how some tools log, not how they work.
        if last - first >= MOST_IN_TEN_SECONDS and times[first][0] != times[last][0]:
            excess.update(i for _, i in times[first + MOST_IN_TEN_SECONDS : last + 1])
    yield f"more than {MOST_IN_TEN_SECONDS} requests of one session within ten seconds", sorted(excess)


def _size(usage: Usage) -> int:
    return usage.tokens.input + usage.tokens.output
