"""Views read what they concern: the figures are those of the whole repository, the reads do not grow with its past."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from itertools import count
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection

from attribution.evidence import Commit, Evidence, PullRequest, claim
from attribution.issues import Issue, issue_cost, issues_of_pulls, lineage
from attribution.outcome import Details, concerned, outcomes
from attribution.periods import week_of
from attribution.totals import pull_totals
from attribution.week_totals import week_cost
from bot.clock import to_ms
from bot.figures import breakdown as breakdown_figures
from bot.figures import budgets as budget_figures
from bot.figures import issue as issue_figures
from bot.figures import pull as pull_figures
from bot.figures import week as week_figures
from bot.keys import RepositoryKey, Sender
from bot.repository_settings import RepositorySettings
from bot.store import issues as issue_store
from bot.store import ledger, requests
from bot.store import pulls as pull_store
from bot.store import shares as share_store
from bot.store import totals as total_store
from bot.store.database import Database
from bot.store.day_sums import changes_of
from bot.store.tables import Repository
from tests.examples import examples
from tests.notation import MONDAY, session

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
MILLISECOND = timedelta(milliseconds=1)
REPOSITORY = 34
SETTINGS = RepositorySettings(budget_pull_usd=Decimal(5), budget_week_usd=Decimal(50), budget_month_usd=Decimal(100))
# Pull requests and issues are numbered in one row.
PULLS, ISSUES = range(1, 7), range(50, 55)
EVERY = range(1, 100)


class History(msgspec.Struct, frozen=True):
    """A repository: its pull requests, its issues, and what was used when, for which pull request."""

    pulls: list[tuple[PullRequest, Details]]
    issues: list[Issue]
    spent: Sequence[tuple[int | None, timedelta]]


def sha_of(number: int) -> str:
    return f"{number:07x}" * 5


def pull_of(number: int, opened: timedelta, merged: timedelta | None = None, branch: str = "b") -> PullRequest:
    merged_at = None if merged is None else MONDAY + merged
    shas = (sha_of(number), sha_of(100 + number))
    return PullRequest(
        number=number,
        head_branch=branch,
        created_at=MONDAY + opened,
        closed_at=merged_at,
        merged_at=merged_at,
        commits=tuple(Commit(sha=sha) for sha in shas),
    )


# Most of them near the week, some long before its line.
days = st.sampled_from([*range(-10, 9), *range(-157, 40, 20)]).map(lambda days: days * DAY)
sha_lists = st.lists(
    st.sampled_from([sha_of(extra + number) for number in PULLS for extra in (0, 100, 200)]), max_size=3
)


times_or_none, flags = days | days | st.none(), st.booleans()
branches, authors = (
    st.sampled_from(["b", *(f"fix/{issue}-it" for issue in ISSUES)]),
    st.sets(st.sampled_from(["ann", "joe"])),
)
labels = st.lists(st.sampled_from(["bug", "feature"]), unique=True)
few_pulls, few_issues = (st.lists(st.sampled_from(numbers), max_size=2, unique=True) for numbers in (PULLS, ISSUES))
reverts = st.lists(st.sampled_from(PULLS), min_size=1, max_size=2, unique=True)
ends, parents = st.none() | days.map(lambda after: MONDAY + after), st.none() | st.sampled_from(ISSUES)
some_issues, most_pulls = st.sets(st.sampled_from(ISSUES), min_size=2), st.sets(st.sampled_from(PULLS), min_size=4)
spending = st.lists(st.tuples(st.sampled_from(PULLS) | st.none(), days), min_size=3, max_size=12)


def changes(draw: st.DrawFn, number: int) -> tuple[PullRequest, Details]:
    """A pull request that may take others back, name issues, and be merged at any time, even before it was opened."""
    branch = draw(branches)
    merged = draw(times_or_none)
    is_revert = draw(flags)
    back = draw(reverts)
    details = Details(
        title=f"title {number}",
        labels=tuple(draw(labels)),
        closes=tuple(draw(few_issues)),
        reverts=tuple(back) if is_revert else (),
        reverts_commits=() if is_revert else tuple(draw(sha_lists)),
        merge_commit=sha_of(200 + number) if merged is not None else "",
        authors=tuple(draw(authors)),
    )
    return pull_of(number, draw(days), merged, branch), details


@st.composite
def histories(draw: st.DrawFn) -> History:
    issues = [
        Issue(
            number=number,
            created_at=MONDAY + draw(days),
            closed_at=draw(ends),
            parent=draw(parents),
            pulls=tuple(draw(few_pulls)),
            labels=("bug",) if draw(flags) else (),
        )
        for number in draw(some_issues)
    ]
    numbers = draw(most_pulls)
    spent = draw(spending)
    return History([changes(draw, number) for number in sorted(numbers)], issues, spent)


# Each example is an account of its own, beside those before, who have pull requests and issues under the same numbers.
accounts = count(5)


def save(database: Database, connection: Connection, key: RepositoryKey, history: History) -> None:
    for pull, details in history.pulls:
        pull_store.save_pull(database, connection, key.pull(pull.number), pull, details, sha_of(pull.number))
    for issue in history.issues:
        issue_store.save_issue(database, connection, key.pull(issue.number), issue, 0)
    lines = "\n".join(f"09:00 b ${i % 7}.{i % 100:02}" for i in range(1, len(history.spent) + 1))
    usages = [
        msgspec.structs.replace(
            usage,
            at=usage.at + after,
            context=msgspec.structs.replace(usage.context, repository=str(REPOSITORY)),
            session_id=f"s{pull}",
        )
        for usage, (pull, after) in zip(session(lines), history.spent, strict=True)
    ]
    with changes_of(connection, key.account_id) as sums:
        requests.save_usage(connection, Sender(key.account_id), usages, 1, sums)
    listed = ledger.charges_of(connection, key, sorted({(usage.tool, usage.session_id) for usage in usages}))
    rows = {row.charge.key: row for charges in listed.values() for row in charges}
    pairs = [(rows[usage.key], pull) for usage, (pull, _) in zip(usages, history.spent, strict=True)]
    claims = [(row, claim(pull, Evidence.BRANCH, "why")) for row, pull in pairs if pull is not None]
    with changes_of(connection, key.account_id) as sums:
        share_store.save_claims(connection, key, claims, 1, sums)


@settings(max_examples=examples(50), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(histories(), st.integers(8, 40).map(lambda days: days * DAY))
def test_figures_are_those_of_the_whole_repository(database: Database, history: History, now: timedelta):
    at, week = MONDAY + now, week_of(MONDAY, SETTINGS.zone)
    with database.write() as connection:
        key = RepositoryKey(next(accounts), REPOSITORY)
        save(database, connection, key, history)
        pulls, details = (
            {pull.number: pull for pull, _ in history.pulls},
            {pull.number: own for pull, own in history.pulls},
        )
        issues = {issue.number: issue for issue in history.issues}
        links = issues_of_pulls(pulls, details, issues)
        totals = pull_totals(total_store.spent_on(connection, key, EVERY))
        states = outcomes(pulls, details, at, window=SETTINGS.survives_after)
        event(f"reverted: {any(outcome.by for outcome in states.values())}")
        for number in pulls:
            view = pull_figures.view_of(connection, key.pull(number), SETTINGS, None, at)
            assert view.outcome == states.get(number)
            around = pull_store.with_reverts(connection, key, [number])
            assert concerned(*around, number) == concerned(pulls, details, number)
        for number in issues:
            cost = issue_cost(number, issues, links, totals, details)
            event(f"an issue costs something: {cost.total.requests > 0}")
            assert issue_figures.cost_of(connection, key.pull(number)) == cost
            above = issue_store.with_parents(connection, key, [number])
            assert lineage(number, above) == lineage(number, issues)
        # Only what has happened is known.
        facts = week_figures.facts_of(connection, SETTINGS, key, week, to_ms(MONDAY + 40 * DAY))
        event(f"all are read: {len(facts.pulls) == len(pulls)}")
        everything = msgspec.structs.replace(facts, pulls=pulls, details=details, issues=issues, totals=totals)
        assert week_cost(facts) == week_cost(everything)
        merges = sorted(((pull.merged_at, number) for number, pull in pulls.items() if pull.merged_at), reverse=True)
        newest = pull_store.newest_merges(connection, key, 3)
        assert [(merged_at, number) for number, (_, merged_at) in newest.items()] == merges[:3]


def test_what_is_no_longer_referred_to_is_not_found(database: Database):
    key = RepositoryKey(5, REPOSITORY)
    with database.write() as connection:
        before = pull_of(2, DAY, 2 * DAY, "fix/50-it"), Details(reverts=(1,), closes=(51,))
        save(database, connection, key, History([(pull_of(1, DAY, DAY), Details()), before], [], []))
        issue = Issue(number=50, created_at=MONDAY, parent=51, pulls=(1,))
        save(database, connection, key, History([], [issue, Issue(number=51, created_at=MONDAY)], []))
        assert pull_store.with_reverts(connection, key, [1])[0].keys() == {1, 2}
        assert pull_store.serving(connection, key, [issue]) == {1, 2}
        assert issue_store.with_sub_issues(connection, key.pull(51)).keys() == {50, 51}
        save(database, connection, key, History([(pull_of(2, DAY, 2 * DAY), Details())], [], []))
        alone = Issue(number=50, created_at=MONDAY)
        save(database, connection, key, History([], [alone], []))
        assert pull_store.with_reverts(connection, key, [1])[0].keys() == {1}
        assert pull_store.serving(connection, key, [alone]) == set()
        assert issue_store.with_sub_issues(connection, key.pull(51)).keys() == {51}
        assert issue_store.served_by(connection, key, pull_store.by_number(connection, key, [1])) == {}


def test_what_happened_in_the_first_moment_counts_and_in_the_one_after_the_last_does_not(database: Database):
    key, moments = RepositoryKey(5, REPOSITORY), [DAY - MILLISECOND, DAY, 2 * DAY - MILLISECOND, 2 * DAY]
    pulls = [(pull_of(number, -DAY, after), Details()) for number, after in enumerate(moments)]
    issues = [
        Issue(number=number, created_at=MONDAY, closed_at=MONDAY + after) for number, after in enumerate(moments, 50)
    ]
    span_ms = to_ms(MONDAY + DAY), to_ms(MONDAY + 2 * DAY)
    with database.write() as connection:
        save(database, connection, key, History(pulls, issues, []))
        assert pull_store.merged_between(connection, key, *span_ms) == {1, 2}
        assert issue_store.closed_between(connection, key, *span_ms).keys() == {51, 52}


def test_an_older_answer_about_an_issue_changes_no_reference(database: Database):
    key = RepositoryKey(5, REPOSITORY).pull(50)
    with database.write() as connection:
        issue_store.save_issue(database, connection, key, Issue(number=50, created_at=MONDAY, parent=51), 2)
        issue_store.save_issue(database, connection, key, Issue(number=50, created_at=MONDAY, parent=52), 1)
        issue_store.save_issue(database, connection, key.repository.pull(51), Issue(number=51, created_at=MONDAY), 1)
        assert issue_store.with_sub_issues(connection, key.repository.pull(51)).keys() == {50, 51}
        issue_store.forget(connection, key)
        assert issue_store.with_sub_issues(connection, key.repository.pull(51)).keys() == {51}


@pytest.mark.parametrize("view", ["pull", "issue", "week"])
def test_the_past_is_not_read(database: Database, view: str):
    """Rows that the database returns, and on SQLite the instructions that it carries out, too."""
    reads: list[tuple[int, int]] = []
    with database.write() as connection:
        for account_id, old_pulls in ((5, 20), (6, 400)):
            key = RepositoryKey(account_id, REPOSITORY)
            save(database, connection, key, past(old_pulls))
            reads.append(reads_of(connection, key, view))
    (rows_of_20, instructions_of_20), (rows_of_400, instructions_of_400) = reads
    assert rows_of_20 == rows_of_400 > 5
    # Where a range ends in an index, the next row may be looked at. To pass over a row takes at least one instruction.
    assert instructions_of_400 - instructions_of_20 < 20


@pytest.mark.parametrize("view", ["week", "budgets", "cut by day", "cut by pull"])
def test_the_requests_of_a_day_are_not_read(database: Database, view: str):
    """Of days with a few requests as much is read as of days with ten times as many, on the same pull requests."""
    reads: list[tuple[int, int]] = []
    with database.write() as connection:
        for account_id, requests_a_day in ((5, 3), (6, 30)):
            key = RepositoryKey(account_id, REPOSITORY)
            pulls = [(pull_of(number, -9 * DAY, number * HOUR), Details()) for number in PULLS]
            spent = [(number, day * DAY) for number in PULLS for day in (-8, -3, 0, 1) for _ in range(requests_a_day)]
            save(database, connection, key, History(pulls, [], spent))
            reads.append(reads_of(connection, key, view))
    assert reads[0] == reads[1]
    assert reads[0][0] > 0


def past(count: int) -> History:
    """So many pull requests of years ago with their issues and reverts; a few of these weeks, of which one takes another back."""
    years = 900 * DAY
    old = [
        (
            pull_of(number, number * HOUR - years, (number + 2) * HOUR - years),
            Details(
                closes=(number + 5000,),
                reverts=(number - 1,) if number % 5 == 0 else (),
                merge_commit=sha_of(9000 + number),
            ),
        )
        for number in range(1000, 1000 + count)
    ]
    new = [
        (pull_of(number, -3 * DAY, None if number == 1 else number * HOUR), Details(closes=(50,), reverts=back))
        for number, back in {1: (), **dict.fromkeys(range(2, 20), ()), 20: (3,)}.items()
    ]
    issues = [
        Issue(number=own.closes[0], created_at=pull.created_at, closed_at=pull.merged_at, parent=own.closes[0] - 1)
        for pull, own in old
    ]
    issues += [
        Issue(number=50, created_at=MONDAY - 9 * DAY, closed_at=MONDAY),
        Issue(number=51, created_at=MONDAY - 9 * DAY, parent=50, pulls=(4,)),
    ]
    # The newest 200 merges are compared with: they are there in either case.
    like = [(pull_of(number, -90 * DAY, -89 * DAY), Details()) for number in range(100, 300)]
    spent = [(pull.number, pull.created_at - MONDAY) for pull, _ in (*new, *old)]
    return History(old + new + like, issues, spent)


def reads_of(connection: Connection, key: RepositoryKey, view: str) -> tuple[int, int]:
    """Rows and instructions."""
    counted = CountedConnection(connection)
    with instructions(connection) as steps:
        match view:
            case "pull":
                pull_figures.view_of(counted, key.pull(1), SETTINGS, None, MONDAY + 9 * HOUR)  # type: ignore[arg-type]
            case "issue":
                issue_figures.cost_of(counted, key.pull(50))  # type: ignore[arg-type]
            case "week":
                week = key.week(week_of(MONDAY, SETTINGS.zone).name)
                week_figures.cost_of(counted, SETTINGS, week, to_ms(MONDAY + 9 * DAY))  # type: ignore[arg-type]
            case "budgets":
                budget_figures.running(counted, SETTINGS, key, MONDAY + 9 * HOUR)  # type: ignore[arg-type]
            case "cut by day" | "cut by pull":
                row = Repository(account_id=key.account_id, repository_id=REPOSITORY, full_name="acme/widgets")
                span = MONDAY.date() - 30 * DAY, MONDAY.date() + DAY
                by = "day" if view == "cut by day" else "pull"
                breakdown_figures.of_repositories(counted, [row], by, span)  # type: ignore[arg-type]
    return counted.rows, next(steps)


class CountedConnection:
    """Counts the rows that statements return."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.rows = 0

    def execute(self, statement: Any, params: Mapping[str, Any] | None = None) -> Any:
        cursor = self._connection.execute(statement, params)
        if not cursor.returns_rows:
            return cursor
        result = cursor.freeze()
        self.rows += len(result.data)
        return result()


@contextmanager
def instructions(connection: Connection) -> Iterator[Iterator[int]]:
    """The instructions of SQLite's virtual machine: https://www.sqlite.org/opcode.html. None on PostgreSQL."""
    steps = count()
    driver: Any = connection.connection.driver_connection
    if connection.dialect.name != "sqlite":
        yield steps
        return
    driver.set_progress_handler(lambda: next(steps) < 0, 1)
    try:
        yield steps
    finally:
        driver.set_progress_handler(None, 1)
