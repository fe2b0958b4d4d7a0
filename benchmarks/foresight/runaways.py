"""The runaway rule over recorded sessions, beside naive rules, and how soon it sees a runaway put after them."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from statistics import mean, pstdev

import msgspec

from attribution import runaway
from attribution.activity import Request, SessionActivity, activity_of, merge
from attribution.money import Micros, show
from attribution.runaway import Alert, Rule, Scale, alerts, usual
from attribution.runaway_backtest import PastAlert, SessionRecord, Verdict, past_alerts
from benchmarks.attribution.sensitivity import constant
from benchmarks.foresight.history import History
from benchmarks.foresight.simulated import ordinary

MINUTE = timedelta(minutes=1)


class Scenario(msgspec.Struct, frozen=True):
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


SCENARIOS = (
    Scenario("$300 an hour for 8 hours", 8, 1200, 250_000, 20),
    Scenario("$60 an hour for 12 hours", 12, 240, 250_000, 20),
    Scenario("$20 an hour for 24 hours", 24, 120, 166_667, 20),
    Scenario("no effect, $15 an hour for 12 hours", 12, 240, 62_500),
    Scenario("no effect, $4 an hour for 24 hours", 24, 240, 16_667),
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
    by_history = {history.name: past_alerts(history.sessions) for history in histories}
    for history in histories:
        _line(history.name, history.sessions, by_history[history.name])
    everything = [record for history in histories for record in history.sessions]
    _line("together", everything, [alert for alerts in by_history.values() for alert in alerts])
    for name, limit in NAIVE:
        naive_alerts = [alert for history in histories for alert in _naive(history.sessions, limit)]
        _line(f"({name})", everything, naive_alerts)
    for name, name_alerts in by_history.items():
        for past in name_alerts:
            print(f"  {name} {past.alert.to_at:%Y-%m-%d %H:%M} {past.alert.session_id}: {past.verdict}")
            print(f"    {past.alert.sentence}\n    {past.result}")
    _nearest(histories)
    _scenarios(histories)
    _sensitivity(histories)
    _ordinary()


def _line(name: str, sessions: Sequence[SessionRecord], alerts: Iterable[PastAlert]) -> None:
    costs = [sum(request.micros or 0 for request in record.requests) for record in sessions]
    counts = Counter(alert.verdict for alert in alerts)
    verdicts = f"{counts[Verdict.RIGHT]:>9}{counts[Verdict.WRONG]:>7}{counts[Verdict.UNDECIDED]:>6}"
    print(
        f"  {name:28}{len(sessions):>10}{show(sum(costs)):>12}{show(max(costs)):>10}{sum(counts.values()):>8}{verdicts}"
    )


def _naive(records: Sequence[SessionRecord], limit: Callable[[list[Micros]], float]) -> Iterator[PastAlert]:
    """What a limit for the whole session would have raised, judged in the same way, with twenty sessions or more before it."""
    whole = [(record, activity_of(record.tool, record.session_id, record.requests)) for record in records]
    for record, live in whole:
        past = sorted(other.micros for _, other in whole if other.to_at < live.from_at and other.micros)
        most = limit(past) if len(past) >= runaway.ENOUGH else live.micros
        so_far = 0
        for request in sorted(record.requests, key=lambda each: each.at):
            so_far += request.micros or 0
            if so_far > most:
                alert = Alert(
                    rule=Rule.TOTAL, tool=record.tool, session_id=record.session_id, from_at=live.from_at, to_at=request.at,
                    micros=so_far, session_micros=so_far, requests=0, unpriced_requests=0,
                    scale=Scale(sessions=len(past), most=0, limit=int(most)),
                )  # fmt: skip
                shipped_micros, open_micros = record.shipped_micros, record.open_micros
                yield PastAlert(alert=alert, micros=live.micros, shipped_micros=shipped_micros, open_micros=open_micros)
                break


def _nearest(histories: Sequence[History]) -> None:
    print("\nNearest to an alert: the three of each repository that came to most of a limit")
    for history in histories:
        past = [activity_of(record.tool, record.session_id, record.requests) for record in history.sessions]
        nearest = sorted(
            ((*_part(activity, past), activity) for activity in past), key=lambda entry: entry[:2], reverse=True
        )
        for percent, rule, activity in nearest[:3]:
            cost = f"{show(activity.micros):>9} in {(activity.to_at - activity.from_at) // MINUTE:>5} min"
            print(f"  {history.name:28}{activity.session_id:38}{cost}  {percent:>3} % of the limit of {rule}")


def _part(activity: SessionActivity, past: Sequence[SessionActivity]) -> tuple[int, Rule]:
    limits, floor = usual(past, activity.from_at), runaway.FLOOR_MICROS
    parts = [
        (100 * activity.micros // max(limits.total.limit, floor), Rule.TOTAL),
        (100 * activity.hour_micros // max(limits.hour.limit, floor), Rule.BURN),
    ]
    if activity.tool in limits.stretch:
        longest, limit = max(activity.stretches), max(limits.stretch[activity.tool].limit, runaway.FLOOR_REQUESTS)
        parts.append((min(100 * longest.micros // floor, 100 * longest.main_requests // limit), Rule.LOOP))
    return max(parts)


def _scenarios(histories: Sequence[History]) -> None:
    print("\nMade-up runaways after each repository's sessions: the first alert")
    for history in histories:
        past = [activity_of(record.tool, record.session_id, record.requests) for record in history.sessions]
        start = max(activity.to_at for activity in past) + timedelta(hours=1)
        tool = Counter(activity.tool for activity in past).most_common(1)[0][0]
        limits = usual(past, start)
        for scenario in SCENARIOS:
            print(f"  {history.name:28}{scenario.name:38}{_first(tool, scenario, start, limits)}")


def _first(tool: str, scenario: Scenario, start: datetime, limits: runaway.Usual) -> str:
    so_far = None
    for request in scenario.requests(start):
        new = activity_of(tool, "made", [request])
        so_far = new if so_far is None else merge(so_far, new)
        for alert in alerts(so_far, limits, so_far.to_at):
            total_micros = scenario.hours * scenario.requests_an_hour * scenario.micros
            minutes, cost = (request.at - start) // MINUTE, show(alert.session_micros)
            return f"{minutes:>5} min {cost:>8} of {show(total_micros):>9}  {alert.rule}"
    return "   none"


def _sensitivity(histories: Sequence[History]) -> None:
    print("\nAlerts on the recorded sessions with other constants")
    for name, values in CONSTANTS:
        counts = []
        for value in values:
            with constant(runaway, name, value):
                counts.append(f"{value:,}: {sum(len(past_alerts(history.sessions)) for history in histories)}")
        print(f"  {name:22}{'   '.join(counts)}")


def _ordinary() -> None:
    print(
        "\nFalse alarms of a thousand simulated sessions without a runaway (log-normal, median $3, 10 x 500 sessions)"
    )
    for sigma in (0.7, 1.0, 1.4, 1.8):
        samples = [ordinary(sigma, 500, seed) for seed in range(10)]
        rules = {"this": sum(len({past.alert.session_id for past in past_alerts(sample)}) for sample in samples)}
        rules |= {name: sum(len(list(_naive(sample, limit))) for sample in samples) for name, limit in NAIVE}
        print(f"  spread {sigma}: " + "   ".join(f"{name} {count / 5:.1f}" for name, count in rules.items()))
