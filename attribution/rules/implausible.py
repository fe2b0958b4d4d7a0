"""Requests that look invented are kept apart as *unconfirmed*: shown beside the figures, in none of them, until a maintainer
confirms them.

The limits are far beyond what real sessions do: those in our recordings and labelled history come to 84% of a window, 35 requests
and 19,000 tokens of output a minute. Requests within a limit count, so that more usage never takes away what was there.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping

from attribution.evidence import Claim, Evidence
from attribution.ledger import charge
from attribution.money import Micros, show
from attribution.pricing import window_tokens
from attribution.repository_index import RepositoryIndex
from attribution.session import Session
from attribution.usage import Usage

# Where the window of a model is not known: few take so much.
MOST_TOKENS_AT_ONCE = 2_100_000
# Windows grow under the same name, by a beta or an alias that moves on, and tools of the vendor ask again within a request.
_WINDOWS = 2
_LEAST_WINDOW_TOKENS = 1_050_000
# The longest answers that are sold have 384,000 tokens.
MOST_OUTPUT_TOKENS = 400_000
# The dearest request on the market, a full window of o1-pro, comes to $90.
MOST_MICROS_AT_ONCE = 100_000_000
# Some tools only sum a session up, or say themselves what it cost: so much in one session and day.
MOST_TOKENS_OF_A_SUM = 1_000_000_000
MOST_MICROS_A_DAY = 500_000_000
_DAY_SECONDS = 86_400
# Below both of these no request comes near a limit in dollars, unless the tool itself says so.
_CHEAP_TOKENS = 100_000
_CHEAP_SEARCHES = 100
# A conversation grows with each request, so equal counts are rare: short probes and retries repeat, long work does not.
MOST_REPEATS = 10
_LEAST_OUTPUT_TOKENS = 20
# So many in so many seconds: sub-agents work in parallel, by the dozen; each takes seconds to answer.
MOST_IN_SECONDS = ((10, 200), (60, 400))
# One time for all is how some tools log, not how they work.
MOST_AT_ONE_TIME = 1_000
# One agent's requests follow each other, and no model writes faster. Over ten minutes, since a long answer has one time, too.
MOST_OUTPUT_TOKENS_A_SECOND = 2_000
_WRITING_SECONDS = 600


def implausible(session: Session, index: RepositoryIndex, claims: Mapping[int, Claim]) -> dict[int, Claim]:
    """Claims that keep apart what looks invented, in place of `claims`, whose pull requests become candidates. Nothing where a
    maintainer confirmed as much."""
    whys = doubts(session)
    tokens, reported_micros = extent(session.turns[i].usage for i in whys)
    for correction in index.corrections(session.tool, session.session_id):
        if (
            correction.says == "confirm"
            and correction.tokens >= tokens
            and correction.reported_micros >= reported_micros
        ):
            return {}
    return {
        i: Claim(((None, 1),), Evidence.IMPLAUSIBLE, why, candidates=claims[i].numbers if i in claims else ())
        for i, why in whys.items()
    }


def extent(usages: Iterable[Usage]) -> tuple[int, int]:
    """Tokens, and micro-dollars that the tool itself says: what somebody confirms, and no more."""
    counts = [(_size(usage), usage.reported_micros or 0) for usage in usages]
    return sum(size for size, _ in counts), sum(micros for _, micros in counts)


def doubts(session: Session) -> dict[int, str]:
    """Why requests look invented, by position."""
    whys: dict[int, str] = {}
    for i, turn in enumerate(session.turns):
        if why := _too_large(turn.usage):
            whys[i] = why
    for why, positions in (*_repeats(session), *_at_once(session), *_too_fast(session), *_too_dear(session)):
        whys = dict.fromkeys(positions, why) | whys
    return whys


def _too_large(usage: Usage) -> str:
    size, is_sum = _size(usage), usage.is_sum
    if size > (MOST_TOKENS_OF_A_SUM if is_sum else _window(usage)):
        return (
            "more tokens in one session than any takes" if is_sum else "more tokens in one request than its model takes"
        )
    if usage.tokens.output > MOST_OUTPUT_TOKENS and not is_sum:
        return "a longer answer than any model gives"
    may_be_dear = size > _CHEAP_TOKENS or usage.web_search_requests > _CHEAP_SEARCHES or usage.reported_micros
    if may_be_dear and not is_sum and _micros(usage) > MOST_MICROS_AT_ONCE:
        return "dearer than any request"
    return ""


def _window(usage: Usage) -> int:
    size = _size(usage)
    if size <= _LEAST_WINDOW_TOKENS:  # without a look at the price book
        return _LEAST_WINDOW_TOKENS
    window = window_tokens(usage)
    return MOST_TOKENS_AT_ONCE if window is None else max(window * _WINDOWS, _LEAST_WINDOW_TOKENS)


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
    for positions in alike.values():
        if len(positions) > MOST_REPEATS:
            yield f"the same token counts {len(positions)} times in one session", positions[MOST_REPEATS:]


def _at_once(session: Session) -> Iterator[tuple[str, list[int]]]:
    positions = [i for i, turn in enumerate(session.turns) if not turn.usage.is_sum]
    by_time: defaultdict[float, list[int]] = defaultdict(list)
    for i in positions:
        by_time[session.turns[i].usage.at.timestamp()].append(i)
    for seconds, most in MOST_IN_SECONDS:
        limit = MOST_AT_ONE_TIME if len(by_time) == 1 else most
        excess = _excess(session, positions, seconds, limit, lambda _: 1)
        yield f"more than {limit:,} requests of one session within {seconds} seconds", excess


def _too_fast(session: Session) -> Iterator[tuple[str, list[int]]]:
    by_agent: defaultdict[str, list[int]] = defaultdict(list)
    for i, turn in enumerate(session.turns):
        if not turn.usage.is_sum:
            by_agent[turn.usage.agent_id].append(i)
    most = MOST_OUTPUT_TOKENS_A_SECOND * _WRITING_SECONDS
    for positions in by_agent.values():
        excess = _excess(session, positions, _WRITING_SECONDS, most, lambda usage: usage.tokens.output)
        yield "faster than any model writes", excess


def _too_dear(session: Session) -> Iterator[tuple[str, list[int]]]:
    """Of what a tool sums up or prices itself: tokens that are listed are limited by the rest."""
    positions = [i for i, turn in enumerate(session.turns) if turn.usage.is_sum or turn.usage.reported_micros]
    excess = _excess(session, positions, _DAY_SECONDS, MOST_MICROS_A_DAY, _micros)
    yield f"more than {show(MOST_MICROS_A_DAY)} in one session and day", excess


def _excess(
    session: Session, positions: Iterable[int], seconds: int, most: int, size: Callable[[Usage], int]
) -> list[int]:
    """What exceeds `most` within any time of so many seconds, in order of time."""
    in_order = sorted((session.turns[i].usage.at.timestamp(), i) for i in positions)
    excess: list[int] = []
    within: list[tuple[float, int]] = []
    first = total = 0
    for at, i in in_order:
        while first < len(within) and at - within[first][0] > seconds:
            total -= within[first][1]
            first += 1
        amount = size(session.turns[i].usage)
        if total + amount > most:
            excess.append(i)
        else:
            within.append((at, amount))
            total += amount
    return excess


def _micros(usage: Usage) -> Micros:
    return charge(usage).list_micros or 0


def _size(usage: Usage) -> int:
    return usage.tokens.input + usage.tokens.output
