"""What `mergecost replay` says of the runaway rule: which alerts it would have raised on the recorded sessions, and what became of
those."""

from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec

from attribution.runaway_backtest import PastAlert, SessionRecord, Verdict, past_alerts


class AlertLine(msgspec.Struct, frozen=True, kw_only=True):
    """One alert, as --json prints it. `at` is when it would have been raised, `micros` what the session came to in the end."""

    rule: str
    tool: str
    session_id: str
    at: datetime
    micros_at_alert: int
    micros: int
    shipped_micros: int
    open_micros: int
    verdict: str
    why: str


class RunawaysLine(msgspec.Struct, frozen=True, kw_only=True):
    """The last line of --json."""

    sessions: int
    alerts: tuple[AlertLine, ...]


def runaways(sessions: Sequence[SessionRecord]) -> list[str]:
    """For people: a summary, then each alert."""
    if not sessions:
        return []
    alerts = past_alerts(sessions)
    counts = [(verdict, sum(alert.verdict == verdict for alert in alerts)) for verdict in Verdict]
    summary = ", ".join(f"{count:,} {verdict}" for verdict, count in counts if count)
    whole = f"Sessions judged by the runaway rule: {len(sessions):,}; alerts: {len(alerts):,}" + (
        f" ({summary})" if summary else ""
    )
    return ["\n".join([whole, *(f"  {line}" for alert in alerts for line in _lines(alert))])]


def runaways_line(sessions: Sequence[SessionRecord]) -> RunawaysLine:
    return RunawaysLine(sessions=len(sessions), alerts=tuple(map(_line, past_alerts(sessions))))


def _lines(alert: PastAlert) -> Iterable[str]:
    yield f"{alert.alert.to_at:%Y-%m-%d %H:%M}  {alert.alert.sentence}"
    yield f"{'':16}  {alert.verdict}: {alert.result}"


def _line(past: PastAlert) -> AlertLine:
    alert = past.alert
    return AlertLine(
        rule=alert.rule.value, tool=alert.tool, session_id=alert.session_id, at=alert.to_at,
        micros_at_alert=alert.session_micros, micros=past.micros, shipped_micros=past.shipped_micros,
        open_micros=past.open_micros, verdict=past.verdict.value, why=alert.sentence,
    )  # fmt: skip
