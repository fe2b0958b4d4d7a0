"""What `mergecost replay` says of the runaway rule: which alerts it would have raised on the recorded sessions, and what became of
those."""

from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec

from attribution.runaway_backtest import Recorded, Told, Verdict, look_back


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


def runaways(sessions: Sequence[Recorded]) -> list[str]:
    """For people: a summary, then each alert."""
    if not sessions:
        return []
    found = look_back(sessions)
    counts = [(verdict, sum(told.verdict == verdict for told in found)) for verdict in Verdict]
    summary = ", ".join(f"{count:,} {verdict}" for verdict, count in counts if count)
    whole = f"Sessions judged by the runaway rule: {len(sessions):,}; alerts: {len(found):,}" + (
        f" ({summary})" if summary else ""
    )
    return ["\n".join([whole, *(f"  {line}" for told in found for line in _lines(told))])]


def runaways_line(sessions: Sequence[Recorded]) -> RunawaysLine:
    return RunawaysLine(sessions=len(sessions), alerts=tuple(map(_line, look_back(sessions))))


def _lines(told: Told) -> Iterable[str]:
    yield f"{told.alert.to_at:%Y-%m-%d %H:%M}  {told.alert.sentence}"
    yield f"{'':16}  {told.verdict}: {told.became}"


def _line(told: Told) -> AlertLine:
    alert = told.alert
    return AlertLine(
        rule=alert.rule.value, tool=alert.tool, session_id=alert.session_id, at=alert.to_at,
        micros_at_alert=alert.session_micros, micros=told.micros, shipped_micros=told.shipped_micros,
        open_micros=told.open_micros, verdict=told.verdict.value, why=alert.sentence,
    )  # fmt: skip
