"""The runaway rule over recorded sessions, and how soon it sees a runaway put after them."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

import msgspec

from attribution import runaway
from attribution.activity import Request, Session, merged, session
from attribution.hindsight import Recorded, Verdict, look_back
from attribution.money import Micros, show
from attribution.runaway import alerts, usual
from benchmarks.attribution.sensitivity import constant
from benchmarks.foresight.history import History

MINUTE = timedelta(minutes=1)


class Made(msgspec.Struct, frozen=True):
    """A runaway as one might be: so many requests an hour of so much each, for so long, with an edit every so many requests or none."""

    name: str
    hours: int
    requests_an_hour: int
    micros: Micros
    edit_every: int = 0

    def requests(self, start: datetime) -> Iterator[Request]:
        for i in range(self.hours * self.requests_an_hour):
            at = start + timedelta(hours=1) * i / self.requests_an_hour
            yield Request(at=at, micros=self.micros, has_effect=bool(self.edit_every) and i % self.edit_every == 0)


MADE = (
    Made("$300 an hour for 8 hours", 8, 1200, 250_000, 20),
    Made("$60 an hour for 12 hours", 12, 240, 250_000, 20),
    Made("$20 an hour for 24 hours", 24, 120, 166_667, 20),
    Made("no effect, $15 an hour for 12 hours", 12, 240, 62_500),
    Made("no effect, $4 an hour for 24 hours", 24, 240, 16_667),
)
# What the constants could be instead; each is varied alone.
CONSTANTS = (
    ("FAR", (2, 3, 5, 10)), ("ENOUGH", (10, 20, 40)),
    ("FLOOR_MICROS", (5_000_000, 20_000_000, 50_000_000)), ("CEILING_MICROS", (50_000_000, 100_000_000, 200_000_000, 400_000_000)),
    ("CEILING_HOUR_MICROS", (25_000_000, 50_000_000, 100_000_000)), ("CEILING_REQUESTS", (100, 250, 500)),
)  # fmt: skip


def report(histories: Sequence[History]) -> None:
    print(
        f"{'recorded sessions':30}{'sessions':>10}{'cost':>12}{'dearest':>10}{'alerts':>8}{'held up':>9}{'wrong':>7}{'open':>6}"
    )
    for history in histories:
        _line(history.name, history.sessions, Counter(told.verdict for told in look_back(history.sessions)))
    everything = [one for history in histories for one in history.sessions]
    _line(
        "together",
        everything,
        sum((Counter(told.verdict for told in look_back(one.sessions)) for one in histories), Counter()),
    )
    for history in histories:
        for told in look_back(history.sessions):
            print(f"  {history.name} {told.alert.to_at:%Y-%m-%d %H:%M} {told.alert.session_id}")
            print(f"    {told.alert.sentence}\n    {told.became}: {told.verdict}")
    _nearest(histories)
    _made(histories)
    _sensitivity(histories)


def _line(name: str, sessions: Sequence[Recorded], counts: Counter[Verdict]) -> None:
    costs = [sum(request.micros or 0 for request in one.requests) for one in sessions]
    verdicts = (counts[Verdict.HELD], counts[Verdict.WRONG], counts[Verdict.UNDECIDED])
    print(
        f"  {name:28}{len(sessions):>10}{show(sum(costs)):>12}{show(max(costs)):>10}{sum(counts.values()):>8}"
        f"{verdicts[0]:>9}{verdicts[1]:>7}{verdicts[2]:>6}"
    )


def _nearest(histories: Sequence[History]) -> None:
    """What came nearest to an alert, to be looked at."""
    print("\nnearest to an alert: of each repository what came to most of its limit")
    for history in histories:
        past = [session(one.tool, one.session_id, one.requests) for one in history.sessions]
        found = [(*_part(one, past), one) for one in past]
        for percent, what, one in sorted(found, key=lambda each: each[:2], reverse=True)[:3]:
            print(f"  {history.name:28} {one.session_id:38} {percent:>4} % of the limit by {what}, {show(one.micros)}")


def _part(one: Session, past: Sequence[Session]) -> tuple[int, str]:
    known = usual(past, one.from_at)
    parts = [
        (100 * one.micros // max(known.total.limit, runaway.FLOOR_MICROS), "total"),
        (100 * one.hour_micros // max(known.hour.limit, runaway.FLOOR_MICROS), "burn"),
    ]
    if one.tool in known.stretch:
        longest = max(one.stretches)
        dear = min(100, 100 * longest.micros // runaway.FLOOR_MICROS)
        parts.append((min(dear, 100 * longest.main_requests // known.stretch[one.tool].limit), "loop"))
    return max(parts)


def _made(histories: Sequence[History]) -> None:
    print("\nmade-up runaways after each repository's sessions: first alert")
    for history in histories:
        past = [session(one.tool, one.session_id, one.requests) for one in history.sessions]
        start = max(one.to_at for one in past) + timedelta(hours=1)
        tool = Counter(one.tool for one in past).most_common(1)[0][0]
        known = usual(past, start)
        for made in MADE:
            print(f"  {history.name:28}{made.name:40}{_first(tool, made, start, known)}")


def _first(tool: str, made: Made, start: datetime, known: runaway.Usual) -> str:
    so_far = None
    for request in made.requests(start):
        new = session(tool, "made", [request])
        so_far = new if so_far is None else merged(so_far, new)
        if found := alerts(so_far, known, so_far.to_at):
            spent, whole = found[0].session_micros, made.hours * made.requests_an_hour * made.micros
            return f"{(request.at - start) // MINUTE:>5} min, {show(spent)} of {show(whole)}, {found[0].rule}"
    return "    none"


def _sensitivity(histories: Sequence[History]) -> None:
    print("\nalerts on the recorded sessions with other constants")
    for name, values in CONSTANTS:
        for value in values:
            with constant(runaway, name, value):
                told = [one for history in histories for one in look_back(history.sessions)]
            print(
                f"  {name + ' = ' + format(value, ','):40}{len(told):>4}  {Counter(str(one.verdict) for one in told) or ''}"
            )
