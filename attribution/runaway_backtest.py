"""How often the rules of runaway.py were wrong: they are applied to recorded sessions, and each alert is compared with what became
of the session's cost. A session is judged after every request, only by the sessions that had ended before it began."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from itertools import groupby

import msgspec

from attribution.activity import Request, SessionActivity, activity_of, merge, request
from attribution.evidence import Evidence, PullRequest
from attribution.ledger import Charge, Share
from attribution.money import Micros, show
from attribution.outcome import Outcome, State, outcomes
from attribution.runaway import Alert, Rule, Usual, alerts, is_dear, usual

# Commits that are in no pull request: pushed to the default branch directly.
_BY_COMMIT = (Evidence.STAMP, Evidence.COMMIT, Evidence.EDITS)


class SessionRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A session that is over: its requests in any order, and how much of its cost shipped or is in pull requests still open."""

    tool: str
    session_id: str
    requests: tuple[Request, ...]
    shipped_micros: Micros
    open_micros: Micros


class Verdict(StrEnum):
    """Whether an alert was right, by what is known now."""

    RIGHT = "held up"
    WRONG = "did not hold up"
    UNDECIDED = "not decided yet"


class PastAlert(msgspec.Struct, frozen=True, kw_only=True):
    """An alert that would have been raised, at `alert.to_at`, and what became of the session in the end."""

    alert: Alert
    micros: Micros
    shipped_micros: Micros
    open_micros: Micros

    @property
    def verdict(self) -> Verdict:
        """It held up if the session went on to cost at least twice as much, so that an early notice was worth it, or if most of its
        cost shipped nothing."""
        if self.micros >= 2 * self.alert.session_micros:
            return Verdict.RIGHT
        if 2 * self.shipped_micros >= self.micros:
            return Verdict.WRONG
        return Verdict.UNDECIDED if 2 * (self.shipped_micros + self.open_micros) >= self.micros else Verdict.RIGHT

    @property
    def result(self) -> str:
        """For a person."""
        waits = f", {show(self.open_micros)} is in open pull requests" if self.open_micros else ""
        went = f"it went on from {show(self.alert.session_micros)} to {show(self.micros)}"
        return f"{went}, of which {show(self.shipped_micros)} shipped{waits}"


def session_records(ledger: Iterable[tuple[Charge, Share]], pulls: Sequence[PullRequest]) -> list[SessionRecord]:
    """The sessions of charges and their shares. What became of pull requests is that of the last recorded moment."""
    pairs = sorted(ledger, key=lambda pair: (pair[0].usage.tool, pair[0].usage.session_id))
    moments = [charge.usage.at for charge, _ in pairs] + [pull.closed_at for pull in pulls if pull.closed_at]
    states = outcomes({pull.number: pull for pull in pulls}, {}, max(moments)) if moments else {}
    sessions: list[SessionRecord] = []
    for (tool, session_id), group in groupby(pairs, key=lambda pair: (pair[0].usage.tool, pair[0].usage.session_id)):
        of_session = list(group)
        charges = {charge.key: charge for charge, _ in of_session}
        shipped_micros, open_micros = _shipped_and_open((share for _, share in of_session), states)
        requests = tuple(map(request, charges.values()))
        sessions.append(
            SessionRecord(
                tool=tool,
                session_id=session_id,
                requests=requests,
                shipped_micros=shipped_micros,
                open_micros=open_micros,
            )
        )
    return sessions


def past_alerts(session_records: Iterable[SessionRecord]) -> list[PastAlert]:
    """The first alert of each rule and session that would have been raised, by time."""
    past = [(record, activity_of(record.tool, record.session_id, record.requests)) for record in session_records]
    results = [
        PastAlert(
            alert=alert, micros=whole.micros, shipped_micros=record.shipped_micros, open_micros=record.open_micros
        )
        for record, whole in past
        if is_dear(whole)
        for alert in _first_alerts(record, usual((other for _, other in past), whole.from_at))
    ]
    return sorted(
        results, key=lambda result: (result.alert.to_at, result.alert.tool, result.alert.session_id, result.alert.rule)
    )


def _shipped_and_open(shares: Iterable[Share], outcomes: Mapping[int, Outcome]) -> tuple[Micros, Micros]:
    """How much of the shares was merged or pushed without a pull request, and how much is in open ones."""
    shipped_micros = open_micros = 0
    for share in shares:
        outcome = outcomes.get(share.pull_number) if share.pull_number is not None else None
        if share.pull_number is None:
            shipped_micros += (share.micros or 0) * (share.evidence in _BY_COMMIT)
        elif outcome is not None and outcome.is_merged:
            shipped_micros += share.micros or 0
        elif outcome is not None and outcome.state == State.OPEN:
            open_micros += share.micros or 0
    return shipped_micros, open_micros


def _first_alerts(record: SessionRecord, limits: Usual) -> Iterator[Alert]:
    rules = set[Rule]()
    for so_far in _moments(record):
        for alert in alerts(so_far, limits, so_far.to_at):
            if alert.rule not in rules:
                rules.add(alert.rule)
                yield alert


def _moments(record: SessionRecord) -> Iterator[SessionActivity]:
    """The session after each request; requests of one moment arrive together."""
    so_far: SessionActivity | None = None
    for _, group in groupby(sorted(record.requests, key=_at), key=_at):
        part = activity_of(record.tool, record.session_id, group)
        so_far = part if so_far is None else merge(so_far, part)
        yield so_far


def _at(request: Request) -> datetime:
    return request.at
