"""Sums by day: after any history they say what a count of the ledger says, and every figure is that of the single requests."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from itertools import chain, count
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from inline_snapshot import snapshot
from sqlalchemy import Connection, update

from attribution.breakdown import WAYS
from attribution.cost import ZERO, Cost, cost_of, cost_of_request
from attribution.evidence import Claim, Evidence, Stage
from attribution.ledger import Charge, Share, check
from attribution.periods import day_of
from attribution.usage import TOKENS_NOT_KNOWN, Context, ContextSource, Tokens, Usage
from bot.keys import RepositoryKey, Sender
from bot.store import accounts as account_store
from bot.store import ledger, ledger_history, recount, requests, totals
from bot.store import repositories as repository_store
from bot.store import shares as share_store
from bot.store.database import Database
from bot.store.day_sums import changes_of, day_sums
from bot.store.repositories import RepositoryFacts
from tests.examples import examples

DAY = timedelta(days=1)
NIGHT = datetime(2026, 10, 24, 22, tzinfo=UTC)  # clocks go back in Berlin a day later
FIRST, END = date(2026, 10, 20), date(2026, 11, 1)
ZONES = ["UTC", "Europe/Berlin", "Asia/Kathmandu", "America/New_York", "Pacific/Kiritimati"]
SESSIONS = [("codex", f"s{i}") for i in (1, 2)]


class Arrive(NamedTuple):
    """A batch of an account, whose repositories are 0 and 1."""

    account: int
    usages: list[Usage]


class Attribute(NamedTuple):
    """The sessions of an account are booked anew."""

    account: int
    claim: Claim


class Move(NamedTuple):
    """A repository is transferred to an account."""

    account: int
    repository: int


class ChangeZone(NamedTuple):
    account: int
    repository: int
    zone: str


# Mostly the same ones, so that steps meet.
accounts, repositories = st.sampled_from([0, 0, 0, 1]), st.sampled_from([0, 0, 1])
moments = st.integers(-6, 30).map(lambda hours: NIGHT + hours * timedelta(hours=1)) | st.integers(-400, 400).map(
    lambda quarters: NIGHT + quarters * timedelta(minutes=15)
)
tokens = st.builds(
    Tokens, uncached_input=st.integers(0, 9), output=st.integers(0, 99_999), cache_read=st.integers(0, 9999)
)


one_or_two, names = st.integers(1, 2), st.lists(st.sampled_from("abc"), min_size=1, unique=True)
session_ids, models = st.sampled_from(["s1", "s2"]), st.sampled_from(["gpt-5.5", "nobody-knows-1"])
own_figures = st.sampled_from([None, None, 0, 1, 30_001])
tokens_or_unknown, sources = tokens | st.just(TOKENS_NOT_KNOWN), st.sampled_from(ContextSource)
authors = st.sampled_from(["", "ann", "joe"])


@st.composite
def usages(draw: st.DrawFn) -> Usage:
    """One of a few requests, by some of its ids, as it may have grown, moved or been read again."""
    number = draw(one_or_two)
    first, *others = draw(names)
    return Usage(
        tool="codex",
        session_id=draw(session_ids),
        request_id=f"{first}{number}",
        aliases=tuple(sorted(f"{other}{number}" for other in others)),
        at=draw(moments),
        model=draw(models),
        tokens=draw(tokens_or_unknown),
        reported_micros=draw(own_figures),
        context=Context(
            source=draw(sources),
            repository=str(draw(repositories)),
            author=draw(authors),
        ),
    )


claims = st.builds(
    Claim,
    st.lists(
        st.tuples(st.none() | st.integers(1, 3), st.integers(1, 5)), min_size=1, max_size=3, unique_by=lambda w: w[0]
    ).map(tuple),
    st.sampled_from([Evidence.COMMIT, Evidence.BRANCH, Evidence.NONE]),
    st.just("why"),
    st.sampled_from(Stage),
) | st.builds(Claim, st.just(((None, 1),)), st.just(Evidence.IMPLAUSIBLE), st.just("why"), st.sampled_from(Stage))
arrivals = st.builds(Arrive, accounts, st.lists(usages(), min_size=1, max_size=3))
attributions = st.builds(Attribute, accounts, claims)
events = st.builds(Move, accounts, repositories) | st.builds(ChangeZone, accounts, repositories, st.sampled_from(ZONES))
histories = st.lists(st.tuples(arrivals, attributions | attributions | attributions | events), min_size=2, max_size=6)
numbers = count(10, 2)


class Place:
    """Two accounts with a repository each, beside all those of the examples before."""

    def __init__(self, database: Database, connection: Connection) -> None:
        self.database, self.connection = database, connection
        self.first = next(numbers)
        for number in (0, 1):
            self._own(number, number)

    def key(self, account: int, repository: int) -> RepositoryKey:
        return RepositoryKey(self.first + account, self.first + repository)

    @property
    def keys(self) -> list[RepositoryKey]:
        return [self.key(account, repository) for account in (0, 1) for repository in (0, 1)]

    def _own(self, account: int, repository: int) -> None:
        account_id, repository_id = self.key(account, repository)
        facts = RepositoryFacts(
            repository_id=repository_id, full_name=f"o/{repository_id}", private=True, default_branch="main"
        )
        repository_store.save_repository(self.database, self.connection, account_id, facts)

    def take(self, step: Arrive | Attribute | Move | ChangeZone) -> None:
        match step:
            case Arrive(account, arrivals):
                here = [self._numbered(usage) for usage in arrivals]
                with changes_of(self.connection, self.first + account) as sums:
                    requests.save_usage(self.connection, Sender(self.first + account), here, 1, sums)
            case Attribute(account, claim):
                with changes_of(self.connection, self.first + account) as sums:
                    for key in (self.key(account, 0), self.key(account, 1)):
                        entries = ledger.charges_of(self.connection, key, SESSIONS).values()
                        pairs = [(entry, claim) for listed in entries for entry in listed]
                        share_store.save_claims(self.connection, key, pairs, 1, sums)
            case Move(account, repository):
                self._own(account, repository)
            case ChangeZone(account, repository, zone):
                recount.renew_all(self.connection, self.key(account, repository), ZoneInfo(zone))

    def _numbered(self, usage: Usage) -> Usage:
        repository_id = str(self.first + int(usage.context.repository))
        return msgspec.structs.replace(usage, context=msgspec.structs.replace(usage.context, repository=repository_id))

    def zone(self, key: RepositoryKey) -> ZoneInfo:
        return recount.lock(self.connection, key)

    def problems(self) -> list[str]:
        counted = [
            recount.recount(self.connection, key, self.zone(key), day)
            for key in self.keys
            for day in recount.days(self.connection, key, self.zone(key))
        ]
        return [of.problem for of in counted if of.problem]

    def ledger(self, key: RepositoryKey) -> tuple[list[Charge], list[Share]]:
        charges, shares = ledger_history.everything(self.connection, key.account_id)
        here = [charge for charge in charges if charge.usage.context.repository == str(key.repository_id)]
        keys = {charge.key for charge in here}
        return here, [share for share in shares if share.charge_key in keys]


@settings(max_examples=examples(40), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(histories)
def test_after_any_history_they_are_what_the_ledger_says(database: Database, history: list[tuple[Any, ...]]):
    with database.write() as connection:
        place = Place(database, connection)
        for step in chain.from_iterable(history):
            place.take(step)
        assert place.problems() == []
        for key in place.keys:
            charges, shares = place.ledger(key)
            event(f"several shares of a request: {len(shares) > len(charges)}")
            event(f"shared out again: {max((share.revision for share in shares), default=0) > 1}")
            event(f"zone: {place.zone(key)}")
            assert check(charges, shares) == []
            assert figures_of_sums(connection, key) == figures_of_requests(charges, shares, place.zone(key))


def figures_of_sums(connection: Connection, key: RepositoryKey) -> dict[str, Any]:
    """Everything that reports ask for, in periods of three days."""
    starts = [FIRST + i * DAY for i in range(0, 12, 3)]
    rows, saving = totals.used_between(connection, key, FIRST, END)
    name = {key.repository_id: "o/r"}
    return {
        "periods": [sorted(map(msgspec.structs.astuple, spend), key=str) for spend in totals.spent_in(connection, key, starts, END)],
        "total": totals.total_between(connection, key, *starts[1:3]),
        "pulls": sorted(map(msgspec.structs.astuple, totals.spent_on(connection, key, [1, 3])), key=str),
        "days": totals.by_day(connection, key, FIRST, END),
        "models": sorted(map(msgspec.structs.astuple, rows), key=str),
        "saving": saving,
        "senders": totals.senders_between(connection, key, *starts[1:3]),
        "cells": {
            by: sorted(totals.cells(connection, key.account_id, name, by, (FIRST, END)), key=str) for by in WAYS
        },
    }  # fmt: skip


def figures_of_requests(charges: list[Charge], shares: list[Share], zone: ZoneInfo) -> dict[str, Any]:
    """The same, computed from every single request."""
    by_key = {charge.key: charge for charge in charges}
    days = {charge.key: day_of(charge.usage.at, zone) for charge in charges}
    firsts = {share.charge_key: share for share in reversed(shares)}
    starts = [FIRST + i * DAY for i in range(0, 12, 3)]

    unconfirmed = {share.charge_key for share in shares if share.evidence == Evidence.IMPLAUSIBLE}
    confirmed = [charge for charge in charges if charge.key not in unconfirmed]

    def within(first: date, end: date, of: Iterable[Charge] = confirmed) -> list[Charge]:
        return [charge for charge in of if first <= days[charge.key] < end]

    def spend(first: date | None, end: date | None, numbers: Iterable[int] | None = None) -> list[Any]:
        costs: defaultdict[Any, Cost] = defaultdict(Cost)
        for share in shares:
            is_in = first is None or end is None or first <= days[share.charge_key] < end
            if is_in and (numbers is None or share.pull_number in numbers):
                costs[share.pull_number, share.stage, share.evidence] += cost_of_request(
                    share.micros, is_own=by_key[share.charge_key].is_own
                )
        return sorted(((*bearer, cost) for bearer, cost in costs.items()), key=str)

    def total(of: Iterable[Charge]) -> Cost:
        return sum((charge.cost for charge in of), ZERO)

    def cells(by: str, name_of: Callable[[Charge, Share], Any], *, by_part: bool) -> list[Any]:
        costs: defaultdict[Any, Cost] = defaultdict(Cost)
        for share in shares:
            charge = by_key[share.charge_key]
            if FIRST <= days[charge.key] < END:
                is_counted = by_part or firsts[charge.key] is share
                whole = cost_of_request(share.micros, is_own=charge.is_own)
                counts = int(is_counted), int(is_counted and charge.list_micros is None)
                part = cost_of(share.micros, *counts, is_own=charge.is_own)
                costs[name_of(charge, share), charge.key in unconfirmed] += whole if by_part else part
        repository = "o/r" if by in ("repository", "pull", "issue", "label") else ""
        field = {"pull": "pull_number", "issue": "pull_number", "label": "pull_number"}.get(by, by)
        return sorted(
            (
                totals.Cell(**{"repository": repository, field: name, "is_unconfirmed": is_unconfirmed, "cost": cost})
                for (name, is_unconfirmed), cost in costs.items()
            ),
            key=str,
        )

    models = {(charge.usage.tool, charge.usage.model) for charge in within(FIRST, END)}
    names: dict[str, Callable[[Charge, Share], Any]] = {
        "repository": lambda charge, share: "o/r",
        **dict.fromkeys(("pull", "issue", "label"), lambda charge, share: share.pull_number),
        "tool": lambda charge, share: charge.usage.tool,
        "model": lambda charge, share: charge.usage.model,
        "stage": lambda charge, share: share.stage.value,
        "day": lambda charge, share: days[charge.key],
    }
    return {
        "periods": [spend(start, start + 3 * DAY) for start in starts],
        "total": total(within(*starts[1:3])),
        "pulls": spend(None, None, [1, 3]),
        "days": {
            day: total(charge for charge in confirmed if days[charge.key] == day).priced_micros
            for day in {days[charge.key] for charge in within(FIRST, END)}
        },
        "models": sorted((model_row(*name, within(FIRST, END)) for name in models), key=str),
        "saving": sum(charge.cache_saving_micros for charge in within(FIRST, END)),
        "senders": frozenset(charge.usage.context.author for charge in within(*starts[1:3], charges)) - {""},
        "cells": {
            by: cells(by, name_of, by_part=by in ("pull", "issue", "label")) for by, name_of in names.items()
        },
    }  # fmt: skip


def model_row(tool: str, model: str, charges: Iterable[Charge]) -> tuple[Any, ...]:
    own = [charge for charge in charges if (charge.usage.tool, charge.usage.model) == (tool, model)]
    used = sum((charge.usage.tokens for charge in own), TOKENS_NOT_KNOWN)
    cost = sum((charge.cost for charge in own), ZERO)
    tokens = used.uncached_input, used.cache_read, used.cache_write, used.output, used.is_known
    return tool, model, cost, *tokens


@pytest.fixture
def place(database: Database):
    """Three requests of two people around midnight in Berlin; of one, two pull requests bear a part."""
    with database.write() as connection:
        place = Place(database, connection)
        one = Usage(
            tool="codex", session_id="s1", request_id="a1", at=NIGHT - timedelta(minutes=1), model="gpt-5.5",
            tokens=Tokens(output=1001, cache_read=500), context=Context(repository="0", author="ann"),
        )  # fmt: skip
        late = msgspec.structs.replace(one, request_id="b1", at=NIGHT)
        other = msgspec.structs.replace(
            one, request_id="c1", at=NIGHT + DAY, session_id="s2", model="nobody-knows-1",
            context=Context(repository="0", author="joe"),
        )  # fmt: skip
        place.take(ChangeZone(0, 0, "Europe/Berlin"))
        place.take(Arrive(0, [one, late]))
        place.take(Attribute(0, Claim(((1, 1), (2, 1)), Evidence.COMMIT, "why")))
        place.take(Arrive(0, [other]))
        yield place


def test_both_databases_say_the_same(place: Place):
    rows = place.connection.execute(day_sums.select().where(day_sums.c.account_id == place.first, day_sums.c.parts > 0))
    assert sorted((str(row.day), *row[3:]) for row in rows) == snapshot(
        [
            ("2026-10-24", 1, "build", "commit", "codex", "gpt-5.5", 15140, 0, 1, 0, 1, 0, 1, 0, 500, 0, 1001, 2250),
            ("2026-10-24", 2, "build", "commit", "codex", "gpt-5.5", 15140, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0),
            ("2026-10-25", 0, "build", "none", "codex", "nobody-knows-1", 0, 0, 1, 1, 1, 1, 1, 0, 500, 0, 1001, 0),
            ("2026-10-25", 1, "build", "commit", "codex", "gpt-5.5", 15140, 0, 1, 0, 1, 0, 1, 0, 500, 0, 1001, 2250),
            ("2026-10-25", 2, "build", "commit", "codex", "gpt-5.5", 15140, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0),
        ]
    )


def requests_by_day(place: Place) -> dict[str, int]:
    key, days = place.key(0, 0), [FIRST + i * DAY for i in range(12)]
    counts = {str(day): totals.total_between(place.connection, key, day, day + DAY).requests for day in days}
    return {day: count for day, count in counts.items() if count}


def test_a_day_begins_at_midnight_of_the_repository(place: Place):
    assert requests_by_day(place) == snapshot({"2026-10-24": 1, "2026-10-25": 2})
    place.take(ChangeZone(0, 0, "UTC"))
    assert requests_by_day(place) == snapshot({"2026-10-24": 2, "2026-10-25": 1})


def test_sums_that_went_wrong_are_named_and_corrected(place: Place):
    wrong = day_sums.c.account_id == place.first, day_sums.c.pull_number == 1
    place.connection.execute(update(day_sums).where(*wrong).values(micros=day_sums.c.micros + 1_000_000))
    assert place.problems() == snapshot(
        [
            "the sums say $1.03 of 1 requests, the ledger $0.03 of 1 requests",
            "the sums say $1.03 of 2 requests, the ledger $0.03 of 2 requests",
        ]
    )
    place.connection.execute(day_sums.delete().where(*wrong))
    assert len(place.problems()) == 2
    recount.renew_all(place.connection, place.key(0, 0))
    assert place.problems() == []


def test_days_are_counted_again_beside_writers(database: Database):
    """Two threads book requests, and two count their day again and correct it."""
    key = RepositoryKey(1, 0)
    day = NIGHT.date()
    with database.write() as connection:
        account_store.save_account(database, connection, 1, "o", 1, suspended=False)
        facts = RepositoryFacts(repository_id=0, full_name="o/0", private=True, default_branch="main")
        repository_store.save_repository(database, connection, 1, facts)

    def write(session: tuple[str, str]) -> None:
        for i in range(6):
            usage = Usage(
                tool=session[0], session_id=session[1], request_id=f"{session[1]}-{i}", at=NIGHT, model="gpt-5.5",
                tokens=Tokens(output=1000 * i), context=Context(repository="0"),
            )  # fmt: skip
            with database.write() as connection, changes_of(connection, 1) as sums:
                requests.save_usage(connection, Sender(1), [usage], 1, sums)
            with database.write() as connection, changes_of(connection, 1) as sums:
                pairs = [
                    (entry, Claim(((i + 1, 1),), Evidence.COMMIT, "why"))
                    for entry in ledger.charges_of(connection, key, [session])[session]
                ]
                share_store.save_claims(connection, key, pairs, 1, sums)

    def count_again(_number: int) -> list[str]:
        return [recount.verify(database, key, day, corrects=True).problem for _ in range(12)]

    with ThreadPoolExecutor(4) as pool:
        written, counted = pool.map(write, SESSIONS), pool.map(count_again, range(2))
        assert list(written) == [None, None]
        assert {problem for problems in counted for problem in problems} == {""}
    assert recount.verify(database, key, day).problem == ""
    with database.read() as connection:
        assert totals.total_between(connection, key, day, day + DAY).requests == 12
