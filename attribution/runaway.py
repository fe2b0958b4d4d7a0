"""Runaway sessions: their cost, their dearest hour or their work without an effect is far above that of the repository's others.

A session is compared with past sessions of its repository, never with a person. Far above is five times the value that 19 of 20
past sessions stayed within. A fixed ceiling counts like 20 more sessions, so that a small sample has little influence.
deploy/foresight.md explains it to users.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from attribution.activity import SessionActivity
from attribution.cost import unpriced_note
from attribution.money import Micros, show
from attribution.report import short_id

# A few dollars, or a while of reading, are never worth an alert.
FLOOR_MICROS: Micros = 20_000_000
FLOOR_REQUESTS = 100
# Much for a session, for an hour of it, and for requests without an effect, anywhere.
CEILING_MICROS: Micros = 200_000_000
CEILING_HOUR_MICROS: Micros = 100_000_000
CEILING_REQUESTS = 500
# With fewer past sessions only the ceiling counts. The ceiling has the weight of so many sessions.
ENOUGH = 20
# So many times the usual value is far outside.
FAR = 5
# How far back sessions count: tools and prices change.
HISTORY = timedelta(days=90)
# Older work that arrives late, such as a first import of logs, raises no alert.
STALE_AFTER = timedelta(hours=24)


class Rule(StrEnum):
    """What is far outside: the session as a whole, an hour of it, or what it did since it last changed anything."""

    TOTAL = "total"
    BURN = "burn"
    LOOP = "loop"


class Scale(msgspec.Struct, frozen=True, kw_only=True):
    """What so many past sessions came to. 19 of 20 stayed within `most`, or all of them where they are fewer than `ENOUGH`; what is
    over `limit` is far outside."""

    sessions: int
    most: int
    limit: int


class Usual(msgspec.Struct, frozen=True, kw_only=True):
    """What is usual in a repository: of sessions as a whole and their dearest hour, in micro-dollars, and by tool of the most
    requests without an effect, where enough sessions of the tool are known and its log shows effects."""

    total: Scale
    hour: Scale
    stretch: Mapping[str, Scale]


def usual(past: Iterable[SessionActivity], before: datetime) -> Usual:
    """What the sessions that had ended `before` a moment show; the others, and those of long ago, are left out."""
    sessions = [session for session in past if before - HISTORY <= session.to_at < before]
    by_tool: defaultdict[str, list[SessionActivity]] = defaultdict(list)
    for session in sessions:
        by_tool[session.tool].append(session)
    return Usual(
        total=_scale((session.micros for session in sessions if session.micros), CEILING_MICROS),
        hour=_scale((session.hour_micros for session in sessions if session.micros), CEILING_HOUR_MICROS),
        stretch={
            tool: _scale((max(session.stretches).main_requests for session in of_tool), CEILING_REQUESTS)
            for tool, of_tool in by_tool.items()
            if len(of_tool) >= ENOUGH and _shows_effects(of_tool)
        },
    )


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """A session far outside of what is usual. `micros` is what the rule looked at: the session, its dearest hour, or the stretch of
    `requests` without an effect."""

    rule: Rule
    tool: str
    session_id: str
    from_at: datetime
    to_at: datetime
    micros: Micros
    session_micros: Micros
    requests: int
    unpriced_requests: int
    scale: Scale

    @property
    def sentence(self) -> str:
        """The reason, for a person. It names the session, never its author."""
        unpriced = unpriced_note(self.unpriced_requests, " In no amount: ")
        end = f"{unpriced}." if unpriced else ""
        return f"Session `{short_id(self.tool, self.session_id)}` {self._what}, {self._against}.{end}"

    @property
    def _what(self) -> str:
        match self.rule:
            case Rule.TOTAL:
                return f"has cost {show(self.micros)} in {_duration(self.to_at - self.from_at)}"
            case Rule.BURN:
                return f"has cost {show(self.micros)} within an hour"
            case Rule.LOOP:
                return f"made {self.requests:,} requests for {show(self.micros)} without an edit or a commit"

    @property
    def _against(self) -> str:
        if self.scale.sessions < ENOUGH:
            return f"and only {self.scale.sessions} earlier sessions here to compare it with"
        match self.rule:
            case Rule.TOTAL:
                return f"{self.micros // self.scale.most} times what 19 of 20 sessions here cost"
            case Rule.BURN:
                return f"{self.micros // self.scale.most} times the dearest hour of 19 of 20 sessions here"
            case Rule.LOOP:
                return f"where 19 of 20 sessions of its tool make {self.scale.most:,} at most"


def is_dear(session: SessionActivity) -> bool:
    """Whether it cost more than a few dollars; no other session raises an alert."""
    return session.micros > FLOOR_MICROS


def alerts(session: SessionActivity, usual: Usual, now: datetime) -> list[Alert]:
    """What is far outside in a session so far, at most one alert a rule; nothing of one that ended long ago. The
    caller remembers earlier alerts."""
    if not is_dear(session) or now - session.to_at > STALE_AFTER:
        return []
    stretch, scale = session.stretches[-1], usual.stretch.get(session.tool)
    result: list[Alert] = []
    if session.micros > max(FLOOR_MICROS, usual.total.limit):
        result.append(_alert(Rule.TOTAL, session, session.micros, usual.total))
    if session.hour_micros > max(FLOOR_MICROS, usual.hour.limit):
        result.append(_alert(Rule.BURN, session, session.hour_micros, usual.hour))
    if scale and stretch.main_requests > max(FLOOR_REQUESTS, scale.limit) and stretch.micros > FLOOR_MICROS:
        result.append(_alert(Rule.LOOP, session, stretch.micros, scale, stretch.main_requests))
    return result


def _alert(rule: Rule, session: SessionActivity, micros: Micros, scale: Scale, requests: int | None = None) -> Alert:
    return Alert(
        rule=rule,
        tool=session.tool,
        session_id=session.session_id,
        from_at=session.from_at,
        to_at=session.to_at,
        micros=micros,
        session_micros=session.micros,
        requests=sum(quarter.requests for quarter in session.quarters) if requests is None else requests,
        unpriced_requests=sum(quarter.unpriced_requests for quarter in session.quarters),
        scale=scale,
    )


def _duration(time: timedelta) -> str:
    """`3 h 20 min`."""
    hours, minutes = divmod(time // timedelta(minutes=1), 60)
    return " ".join(filter(None, (f"{hours} h" if hours else "", f"{minutes} min" if minutes or not hours else "")))


def _scale(amounts: Iterable[int], ceiling: int) -> Scale:
    ascending = sorted(amounts)
    count = len(ascending)
    most = ascending[(count * 19 + 19) // 20 - 1] if ascending else 0
    limit = (count * FAR * most + ENOUGH * ceiling) // (count + ENOUGH)
    return Scale(sessions=count, most=most, limit=limit if count >= ENOUGH else max(limit, ceiling))


def _shows_effects(sessions: list[SessionActivity]) -> bool:
    """Some tools log no edits: where most sessions show none, a session without one is not unusual."""
    return 2 * sum(any(quarter.effects for quarter in session.quarters) for session in sessions) > len(sessions)
