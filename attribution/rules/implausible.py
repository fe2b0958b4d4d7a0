"""What looks invented is held apart: booked to nothing, and shown as questioned until a maintainer links it."""

from collections import defaultdict
from collections.abc import Iterator, Mapping

from attribution.evidence import Claim, Evidence, claim
from attribution.repository_index import RepositoryIndex
from attribution.session import Session
from attribution.usage import Usage

# No model that is sold takes more in one request; few take half of it.
MOST_TOKENS_AT_ONCE = 2_100_000
# A conversation grows with each request, so equal counts are rare: short probes and retries repeat, long work does not.
MOST_REPEATS = 10
_LEAST_OUTPUT_TOKENS = 20
# Sub-agents work side by side, by the dozen; each takes seconds to answer.
MOST_IN_TEN_SECONDS = 200


def implausible(work: Session, _pulls: RepositoryIndex, _claims: Mapping[int, Claim]) -> dict[int, Claim]:
    """Requests larger than any model takes, the same counts again and again, or more at once than tools can make."""
    found: dict[int, Claim] = {}
    for why, steps in (*_too_large(work), *_repeated(work), *_at_once(work)):
        found = dict.fromkeys(steps, claim(None, Evidence.IMPLAUSIBLE, why)) | found
    return found


def _too_large(work: Session) -> Iterator[tuple[str, list[int]]]:
    large = [
        i for i, step in enumerate(work.steps) if _size(step.usage) > MOST_TOKENS_AT_ONCE and not step.usage.is_sum
    ]
    yield "more tokens in one request than any model takes", large


def _repeated(work: Session) -> Iterator[tuple[str, list[int]]]:
    alike: defaultdict[tuple[int, ...], list[int]] = defaultdict(list)
    for i, step in enumerate(work.steps):
        usage = step.usage
        if usage.tokens.output >= _LEAST_OUTPUT_TOKENS and usage.tokens.input:
            counts = (
                usage.tokens.uncached_input,
                usage.tokens.cache_read,
                usage.tokens.cache_write,
                usage.tokens.output,
            )
            alike[counts].append(i)
    for steps in alike.values():
        if len(steps) > MOST_REPEATS:
            yield f"the same token counts {len(steps)} times in one session", steps[MOST_REPEATS:]


def _at_once(work: Session) -> Iterator[tuple[str, list[int]]]:
    times = sorted((step.usage.at.timestamp(), i) for i, step in enumerate(work.steps) if not step.usage.is_sum)
    first = 0
    crowded: set[int] = set()
    # What is within the limit counts, so that more usage never makes less of what was there.
    for last in range(len(times)):
        while times[last][0] - times[first][0] > 10:
            first += 1
        # One time for all is how some tools log, not how they work.
        if last - first >= MOST_IN_TEN_SECONDS and times[first][0] != times[last][0]:
            crowded.update(i for _, i in times[first + MOST_IN_TEN_SECONDS : last + 1])
    yield f"more than {MOST_IN_TEN_SECONDS} requests of one session within ten seconds", sorted(crowded)


def _size(usage: Usage) -> int:
    return usage.tokens.input + usage.tokens.output
