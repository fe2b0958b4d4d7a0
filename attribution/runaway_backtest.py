"""How often the rule of runaway.py was wrong: it is played over recorded sessions, and each alert is held against what became of
the money. Every session is judged after every request, by the sessions alone that had ended before it began."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from itertools import groupby

import msgspec

from attribution.activity import Request, SessionActivity, merged, request, session
from attribution.evidence import Evidence, PullRequest
from attribution.ledger import Charge, Share
from attribution.money import Micros, show
from attribution.outcome import Outcome, State, outcomes
from attribution.runaway import Alert, Rule, Usual, alerts, is_dear, usual

# Commits that are in no pull request: pushed to the default branch directly.
_BY_COMMIT = (Evidence.STAMP, Evidence.COMMIT, Evidence.EDITS)


class Recorded(msgspec.Struct, frozen=True, kw_only=True):
    """A session that is over: its requests in any order, and how much of its money shipped or is in pull requests still open."""

    tool: str
    session_id: str
    requests: tuple[Request, ...]
    shipped_micros: Micros
    open_micros: Micros


class Verdict(StrEnum):
    """Whether an alert was right, by what is known now."""

    HELD = "held up"
    WRONG = "did not hold up"
    UNDECIDED = "not decided yet"


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """An alert that would have been raised, at `alert.to_at`, and what became of the session in the end."""

    alert: Alert
    micros: Micros
    shipped_micros: Micros
    open_micros: Micros

    @property
    def verdict(self) -> Verdict:
        """It held up if the session went on to cost at least twice as much, so that telling in time was worth it, or if most of its
        money shipped nothing."""
        if self.micros >= 2 * self.alert.session_micros:
            return Verdict.HELD
        if 2 * self.shipped_micros >= self.micros:
            return Verdict.WRONG
        return Verdict.UNDECIDED if 2 * (self.shipped_micros + self.open_micros) >= self.micros else Verdict.HELD

    @property
    def became(self) -> str:
        """For a person."""
        waits = f", {show(self.open_micros)} is in open pull requests" if self.open_micros else ""
        went = f"it went on from {show(self.alert.session_micros)} to {show(self.micros)}"
        return f"{went}, of which {show(self.shipped_micros)} shipped{waits}"


def recorded(booked: Iterable[tuple[Charge, Share]], pulls: Sequence[PullRequest]) -> list[Recorded]:
    """The sessions of charges and their shares. What became of pull requests is that of the last recorded moment."""
    pairs = sorted(booked, key=lambda pair: (pair[0].usage.tool, pair[0].usage.session_id))
    moments = [charge.usage.at for charge, _ in pairs] + [pull.closed_at for pull in pulls if pull.closed_at]
    states = outcomes({pull.number: pull for pull in pulls}, {}, max(moments)) if moments else {}
    sessions: list[Recorded] = []
    for (tool, session_id), group in groupby(pairs, key=lambda pair: (pair[0].usage.tool, pair[0].usage.session_id)):
        found = list(group)
        charges = {charge.key: charge for charge, _ in found}
        shipped, waits = _shipped_and_open((share for _, share in found), states)
        requests = tuple(map(request, charges.values()))
        sessions.append(
            Recorded(tool=tool, session_id=session_id, requests=requests, shipped_micros=shipped, open_micros=waits)
        )
    return sessions


def look_back(recorded: Iterable[Recorded]) -> list[Told]:
    """The first alert of each rule and session that would have been raised, by time."""
    past = [(one, session(one.tool, one.session_id, one.requests)) for one in recorded]
    told = [
        Told(alert=alert, micros=whole.micros, shipped_micros=one.shipped_micros, open_micros=one.open_micros)
        for one, whole in past
        if is_dear(whole)
        for alert in _first_alerts(one, usual((other for _, other in past), whole.from_at))
    ]
    return sorted(told, key=lambda one: (one.alert.to_at, one.alert.tool, one.alert.session_id, one.alert.rule))


def _shipped_and_open(shares: Iterable[Share], outcomes: Mapping[int, Outcome]) -> tuple[Micros, Micros]:
    """How much of the shares was merged or pushed without a pull request, and how much is in open ones."""
    shipped = waits = 0
    for share in shares:
        outcome = outcomes.get(share.pull_number) if share.pull_number is not None else None
        if share.pull_number is None:
            shipped += (share.micros or 0) * (share.evidence in _BY_COMMIT)
        elif outcome is not None and outcome.is_merged:
            shipped += share.micros or 0
        elif outcome is not None and outcome.state == State.OPEN:
            waits += share.micros or 0
    return shipped, waits


def _first_alerts(one: Recorded, known: Usual) -> Iterator[Alert]:
    said = set[Rule]()
    for so_far in _moments(one):
        for alert in alerts(so_far, known, so_far.to_at):
            if alert.rule not in said:
                said.add(alert.rule)
                yield alert


def _moments(one: Recorded) -> Iterator[SessionActivity]:
    """The session after each request; requests of one moment arrive together."""
    so_far: SessionActivity | None = None
    for _, group in groupby(sorted(one.requests, key=_at), key=_at):
        new = session(one.tool, one.session_id, group)
        so_far = new if so_far is None else merged(so_far, new)
        yield so_far


def _at(one: Request) -> datetime:
    return one.at
