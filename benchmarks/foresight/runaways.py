"""The runaway rule over recorded sessions, beside naive rules, and how soon it sees a runaway put after them."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from statistics import mean, pstdev

import msgspec

from attribution import runaway
from attribution.activity import Request, SessionActivity, merged, session
from attribution.money import Micros, show
from attribution.runaway import Alert, Rule, Scale, alerts, usual
from attribution.runaway_backtest import Recorded, Told, Verdict, look_back
from benchmarks.attribution.sensitivity import constant
from benchmarks.foresight.history import History
from benchmarks.foresight.simulated import ordinary

MINUTE = timedelta(minutes=1)


class Made(msgspec.Struct, frozen=True):
    """A runaway as one might be: requests of so much each, with an effect every so many of them, or none."""

    name: str
    hours: int
    requests_an_hour: int
    micros: Micros
    effect_every: int = 0

    def requests(self, start: datetime) -> Iterator[Request]:
        for i in range(self.hours * self.requests_an_hour):
            at = start + timedelta(hours=1) * i / self.requests_an_hour
            has_effect = bool(self.effect_every) and i % self.effect_every == 0
            yield Request(at=at, micros=self.micros, has_effect=has_effect)


MADE = (
    Made("$300 an hour for 8 hours", 8, 1200, 250_000, 20),
    Made("$60 an hour for 12 hours", 12, 240, 250_000, 20),
    Made("$20 an hour for 24 hours", 24, 120, 166_667, 20),
    Made("no effect, $15 an hour for 12 hours", 12, 240, 62_500),
    Made("no effect, $4 an hour for 24 hours", 24, 240, 16_667),
)
# What the constants could be instead; each is varied alone.
CONSTANTS = (
    ("FAR", (2, 3, 5, 10)), ("ENOUGH", (10, 20, 40)), ("FLOOR_MICROS", (5_000_000, 20_000_000, 50_000_000)),
    ("CEILING_MICROS", (50_000_000, 100_000_000, 200_000_000)), ("CEILING_HOUR_MICROS", (25_000_000, 50_000_000, 100_000_000)),
    ("CEILING_REQUESTS", (100, 250, 500)),
)  # fmt: skip
# What others would compare a session's cost with, from what earlier sessions came to.
NAIVE: tuple[tuple[str, Callable[[list[Micros]], float]], ...] = (
    ("over $25", lambda _: 25_000_000),
    ("over $50", lambda _: 50_000_000),
    ("three times 19 of 20", lambda past: 3 * past[(len(past) * 19 + 19) // 20 - 1]),
    ("mean and three deviations", lambda past: mean(past) + 3 * pstdev(past)),
)


def report(histories: Sequence[History]) -> None:
    columns = f"{'sessions':>10}{'cost':>12}{'dearest':>10}{'alerts':>8}{'held up':>9}{'wrong':>7}{'open':>6}"
    print(f"{'Runaways on recorded sessions':30}{columns}")
    told = {history.name: look_back(history.sessions) for history in histories}
    for history in histories:
        _line(history.name, history.sessions, told[history.name])
    everything = [one for history in histories for one in history.sessions]
    _line("together", everything, [one for found in told.values() for one in found])
    for name, limit in NAIVE:
        found = [one for history in histories for one in _naive(history.sessions, limit)]
        _line(f"({name})", everything, found)
    for name, found in told.items():
        for one in found:
            print(f"  {name} {one.alert.to_at:%Y-%m-%d %H:%M} {one.alert.session_id}: {one.verdict}")
            print(f"    {one.alert.sentence}\n    {one.became}")
    _nearest(histories)
    _made(histories)
    _sensitivity(histories)
    _ordinary()


def _line(name: str, sessions: Sequence[Recorded], told: Iterable[Told]) -> None:
    costs = [sum(request.micros or 0 for request in one.requests) for one in sessions]
    counts = Counter(one.verdict for one in told)
    verdicts = f"{counts[Verdict.HELD]:>9}{counts[Verdict.WRONG]:>7}{counts[Verdict.UNDECIDED]:>6}"
    print(
        f"  {name:28}{len(sessions):>10}{show(sum(costs)):>12}{show(max(costs)):>10}{sum(counts.values()):>8}{verdicts}"
    )


def _naive(recorded: Sequence[Recorded], limit: Callable[[list[Micros]], float]) -> Iterator[Told]:
    """What a limit for the whole session would have raised, judged in the same way, with twenty sessions or more before it."""
    whole = [(one, session(one.tool, one.session_id, one.requests)) for one in recorded]
    for one, live in whole:
        past = sorted(other.micros for _, other in whole if other.to_at < live.from_at and other.micros)
        most = limit(past) if len(past) >= runaway.ENOUGH else live.micros
        so_far = 0
        for request in sorted(one.requests, key=lambda each: each.at):
            so_far += request.micros or 0
            if so_far > most:
                alert = Alert(
                    rule=Rule.TOTAL, tool=one.tool, session_id=one.session_id, from_at=live.from_at, to_at=request.at,
                    micros=so_far, session_micros=so_far, requests=0, unpriced_requests=0,
                    scale=Scale(sessions=len(past), most=0, limit=int(most)),
                )  # fmt: skip
                shipped, waits = one.shipped_micros, one.open_micros
                yield Told(alert=alert, micros=live.micros, shipped_micros=shipped, open_micros=waits)
                break


def _nearest(histories: Sequence[History]) -> None:
    print("\nNearest to an alert: the three of each repository that came to most of a limit")
    for history in histories:
        past = [session(one.tool, one.session_id, one.requests) for one in history.sessions]
        found = sorted(((*_part(one, past), one) for one in past), key=lambda each: each[:2], reverse=True)
        for percent, rule, one in found[:3]:
            cost = f"{show(one.micros):>9} in {(one.to_at - one.from_at) // MINUTE:>5} min"
            print(f"  {history.name:28}{one.session_id:38}{cost}  {percent:>3} % of the limit of {rule}")


def _part(one: SessionActivity, past: Sequence[SessionActivity]) -> tuple[int, Rule]:
    known, floor = usual(past, one.from_at), runaway.FLOOR_MICROS
    parts = [
        (100 * one.micros // max(known.total.limit, floor), Rule.TOTAL),
        (100 * one.hour_micros // max(known.hour.limit, floor), Rule.BURN),
    ]
    if one.tool in known.stretch:
        longest, limit = max(one.stretches), max(known.stretch[one.tool].limit, runaway.FLOOR_REQUESTS)
        parts.append((min(100 * longest.micros // floor, 100 * longest.main_requests // limit), Rule.LOOP))
    return max(parts)


def _made(histories: Sequence[History]) -> None:
    print("\nMade-up runaways after each repository's sessions: the first alert")
    for history in histories:
        past = [session(one.tool, one.session_id, one.requests) for one in history.sessions]
        start = max(one.to_at for one in past) + timedelta(hours=1)
        tool = Counter(one.tool for one in past).most_common(1)[0][0]
        known = usual(past, start)
        for made in MADE:
            print(f"  {history.name:28}{made.name:38}{_first(tool, made, start, known)}")


def _first(tool: str, made: Made, start: datetime, known: runaway.Usual) -> str:
    so_far = None
    for request in made.requests(start):
        new = session(tool, "made", [request])
        so_far = new if so_far is None else merged(so_far, new)
        if found := alerts(so_far, known, so_far.to_at):
            spent, whole = found[0].session_micros, made.hours * made.requests_an_hour * made.micros
            return f"{(request.at - start) // MINUTE:>5} min {show(spent):>8} of {show(whole):>9}  {found[0].rule}"
    return "   none"


def _sensitivity(histories: Sequence[History]) -> None:
    print("\nAlerts on the recorded sessions with other constants")
    for name, values in CONSTANTS:
        counts = []
        for value in values:
            with constant(runaway, name, value):
                counts.append(f"{value:,}: {sum(len(look_back(history.sessions)) for history in histories)}")
        print(f"  {name:22}{'   '.join(counts)}")


def _ordinary() -> None:
    print(
        "\nFalse alarms of a thousand simulated sessions without a runaway (log-normal, median $3, 10 x 500 sessions)"
    )
    for sigma in (0.7, 1.0, 1.4, 1.8):
        drawn = [ordinary(sigma, 500, seed) for seed in range(10)]
        rules = {"this": sum(len({one.alert.session_id for one in look_back(each)}) for each in drawn)}
        rules |= {name: sum(len(list(_naive(each, limit))) for each in drawn) for name, limit in NAIVE}
        print(f"  spread {sigma}: " + "   ".join(f"{name} {count / 5:.1f}" for name, count in rules.items()))
