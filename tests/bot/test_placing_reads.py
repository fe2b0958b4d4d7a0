"""Sessions are placed with what could matter to them: the claims are those of the whole repository, the reads do not grow with it."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import count

import msgspec
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection

from attribution.attribute import RepositoryIndex, attribute
from attribution.evidence import Commit, Correction, Evidence, PullRequest
from attribution.outcome import Details
from attribution.reported_commits import direct_commits, reported_commits, with_reports
from attribution.usage import CommitMade, Context, PullSeen, Usage, Work
from bot.attribute import index_for
from bot.keys import RepositoryKey, Sender
from bot.store import commands as command_store
from bot.store import commits as commit_store
from bot.store import pulls as pull_store
from bot.store.database import Database
from tests.bot.store.test_bounded_reads import CountedConnection, instructions
from tests.examples import examples
from tests.notation import MODEL, MONDAY

REPOSITORY = 34
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


class Facts(msgspec.Struct, frozen=True):
    """A repository's pull requests and corrections, and all usage, of which the first session is placed."""

    pulls: Sequence[PullRequest]
    corrections: Sequence[Correction]
    sessions: Sequence[Sequence[Usage]]


# Two of the ids begin alike; sessions also name them by their beginnings.
SHAS = ["aaaaaaa1", "aaaaaaa2", *(f"{letter}" * 8 for letter in "bcdef23")]
AUTHORSHIPS, PATCHES = ["", "x1", "x2", "x3", "x4"], ["", "p1", "p2", "p3"]
people = st.sampled_from(["ann", "ann", "ann", "bob", ""])
branches = st.sampled_from(["main", "feat/a", "feat/b", "feat/c", "HEAD", ""])
files = st.sets(st.sampled_from(["a.py", "b.py", "c.py"]), max_size=2).map(lambda paths: tuple(sorted(paths)))
# Most of them near one another, some long before or after.
hours = st.integers(-9, 9) | st.integers(-9, 9) | st.integers(-90, 90) | st.integers(-900, 900)
times = hours.map(lambda hours: MONDAY + hours * HOUR)
seconds = st.builds(lambda at, after: at + timedelta(seconds=after), times, st.sampled_from([0, 0, 0.25, 1, 59.5, 61]))


# Strategies are made once: Hypothesis looks into every new one, which takes longer than to draw from it.
flags, shas_of_pool = st.booleans(), st.integers(0, len(SHAS) - 1)
mostly_times, seconds_or_none, seldom_files = (
    times | times | st.none(),
    seconds | st.none(),
    st.just(()) | st.just(()) | files,
)
authorships, patches = st.sampled_from(AUTHORSHIPS), st.sampled_from(PATCHES)
OWN = "as in the pool"
some_of_pool = st.lists(shas_of_pool, max_size=3)
few_of_pool = st.lists(shas_of_pool, max_size=2, unique_by=lambda place: SHAS[place][:7])
names_of_commits, their_times = st.sampled_from([OWN, OWN, "short", "0000000"]), st.just(OWN) | st.none() | times
hours_open, lengths, pauses = st.none() | st.integers(0, 100), st.integers(1, 4), st.sampled_from([0, 1, 2, 30, 90])
looks = st.lists(st.builds(PullSeen, number=st.integers(1, 9), how=st.sampled_from(["view", "create"])), max_size=1)
ci_refs = st.sampled_from(["", "", "", "refs/pull/2/merge", "refs/heads/main"])
agents = st.sampled_from(["", "", "k1"])
rarely = st.sampled_from([False, False, True])


@st.composite
def pools(draw: st.DrawFn) -> list[Commit]:
    """Commits, one an id: whichever pull requests contain it, it is the same. Several may be one change, rewritten."""
    return [
        Commit(
            sha=sha, authorship=draw(authorships), author=draw(people), authored_at=draw(mostly_times),
            committed_at=draw(seconds_or_none), files=draw(seldom_files),
        )
        for sha in SHAS
    ]  # fmt: skip


def reports(draw: st.DrawFn, pool: list[Commit]) -> tuple[CommitMade, ...]:
    """Up to two commits as a machine or a log knows them."""
    return tuple(report(draw, pool[place]) for place in draw(few_of_pool))


def report(draw: st.DrawFn, commit: Commit) -> CommitMade:
    sha, authored_at = draw(names_of_commits), draw(their_times)
    return CommitMade(
        sha={OWN: commit.sha, "short": commit.sha[:7]}.get(sha, sha), branch=draw(branches),
        authorship=commit.authorship if draw(flags) else "", patch_id=draw(patches),
        authored_at=commit.authored_at if authored_at == OWN else authored_at, files=draw(files), is_stamped=draw(flags),
    )  # fmt: skip


def changes(draw: st.DrawFn, number: int, pool: list[Commit]) -> PullRequest:
    created_at, hours = draw(seconds), draw(hours_open)
    closed_at = None if hours is None else created_at + hours * HOUR
    return PullRequest(
        number=number, head_branch=draw(branches), base_branch=draw(branches), author=draw(people), created_at=created_at,
        closed_at=closed_at, merged_at=closed_at if draw(flags) else None,
        commits=tuple(pool[place] for place in draw(some_of_pool)), files=draw(files),
    )  # fmt: skip


def requests(draw: st.DrawFn, session_id: str, pool: list[Commit]) -> list[Usage]:
    """A session of a few hours, now and then of days."""
    start, author = draw(seconds), draw(people)
    usages: list[Usage] = []
    for i in range(draw(lengths)):
        work = Work(
            edited_files=draw(files),
            commits_made=reports(draw, pool) if draw(rarely) else (),
            commits_after=reports(draw, pool) if draw(flags) else (),
            pulls_seen=tuple(draw(looks)),
        )
        context = Context(branch=draw(branches), author=author, ci_ref=draw(ci_refs))
        agent_id, after = draw(agents), draw(pauses) * HOUR
        usages.append(
            Usage(
                tool="codex", session_id=session_id, request_id=f"{session_id}-{i}", at=start + after, model=MODEL,
                context=context, work=work, agent_id=agent_id,
            )
        )  # fmt: skip
    return usages


corrections = st.builds(
    Correction, said_at=times, tool=st.sampled_from(["codex", "codex", "other"]), session_id=st.sampled_from(["s1", "s1", "s2"]),
    says=st.sampled_from(["link", "unlink"]),
    weights=st.dictionaries(st.integers(1, 8), st.integers(1, 9), min_size=1, max_size=2).map(lambda parts: (*parts.items(),)),
)  # fmt: skip


how_many_pulls, commits_of_all = st.integers(1, 8), pools()
what_was_said = st.just([]) | st.just([]) | st.lists(corrections, max_size=2, unique=True)


@st.composite
def facts(draw: st.DrawFn) -> Facts:
    numbers = range(1, draw(how_many_pulls) + 1)
    said, pool = draw(what_was_said), draw(commits_of_all)
    pulls = [changes(draw, number, pool) for number in numbers]
    return Facts(pulls, said, [requests(draw, f"s{i}", pool) for i in range(1, 4)])


# Each example is an account of its own, beside those before.
accounts = count(5)


def save(database: Database, connection: Connection, key: RepositoryKey, facts: Facts) -> None:
    for pull in facts.pulls:
        pull_store.save_pull(database, connection, key.pull(pull.number), pull, Details(), "")
    command_store.save_corrections(database, connection, key.pull(1), 1, facts.corrections)
    commit_store.save_commits(
        connection, key, [usage for usages in facts.sessions for usage in usages], Sender(key.account_id)
    )


def index_of_everything(facts: Facts) -> RepositoryIndex:
    reported = reported_commits(usage for usages in facts.sessions for usage in usages)
    pulls = with_reports(facts.pulls, reported)
    return RepositoryIndex(pulls, "main", corrections=facts.corrections, direct=direct_commits(pulls, reported, "main"))


@settings(max_examples=examples(200), suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(facts(), st.integers(1, 2))
def test_claims_are_those_of_the_whole_repository(database: Database, facts: Facts, placed: int):
    everything = index_of_everything(facts)
    with database.write() as connection:
        key = RepositoryKey(next(accounts), REPOSITORY)
        save(database, connection, key, facts)
        waiting = facts.sessions[:placed]
        index = index_for(connection, key, "main", "", [usage for usages in waiting for usage in usages])
    event(f"a part is read: {len(index.by_number) < len(everything.by_number)}")
    for usages in waiting:
        claims = attribute(usages, everything)
        for evidence in {claim.evidence for claim in claims.values()}:
            event(f"evidence: {evidence}")
        assert attribute(usages, index) == claims


def test_what_a_pull_request_no_longer_has_is_not_found(database: Database):
    """A branch that is renamed, a commit that is pushed away, a person's last commit, and the time after it is closed."""
    key = RepositoryKey(5, REPOSITORY)
    commit = Commit(sha=SHAS[0], author="ann", authored_at=MONDAY + HOUR)
    pull = PullRequest(number=1, head_branch="feat/a", created_at=MONDAY, author="bob", commits=(commit,))
    usage = Usage(tool="codex", session_id="s1", request_id="r1", at=MONDAY + 9 * DAY, model=MODEL)

    def numbers(pull: PullRequest, branch: str = "", author: str = "", sha: str = "") -> set[int]:
        work = Work(commits_made=(CommitMade(sha=sha),) if sha else ())
        session = msgspec.structs.replace(usage, context=Context(branch=branch, author=author), work=work)
        with database.write() as connection:
            save(database, connection, key, Facts([pull], [], []))
            return {*index_for(connection, key, "main", "", [session]).by_number}

    later = msgspec.structs.replace(pull, head_branch="feat/b", commits=())
    closed = msgspec.structs.replace(pull, closed_at=MONDAY + 8 * DAY)
    assert numbers(pull, branch="feat/a") == numbers(pull, author="ann") == numbers(pull, sha=SHAS[0]) == {1}
    assert numbers(later, branch="feat/a") == numbers(later, author="ann") == numbers(later, sha=SHAS[0]) == set()
    assert numbers(later, branch="feat/b") == numbers(later, author="bob") == {1}
    assert numbers(closed, branch="feat/a") == numbers(closed, author="ann") == numbers(closed, author="bob") == set()
    assert numbers(closed, sha=SHAS[0]) == {1}


@pytest.mark.parametrize("known", [CommitMade(sha="1" * 8, patch_id="p1"), CommitMade(sha="1" * 8, authorship="x2")])
def test_a_change_under_other_names_is_found_by_what_machines_reported(database: Database, known: CommitMade):
    """Another person's, picked elsewhere: the pull request shows one of its commits, the session knows neither."""
    key, at = RepositoryKey(5, REPOSITORY), MONDAY - 90 * DAY
    in_pull = CommitMade(sha=SHAS[0], authorship="x1", patch_id="p1", authored_at=at, files=("a.py",), branch="feat/a")
    on_main = CommitMade(sha=SHAS[3], authorship="x2", patch_id="p1", authored_at=at, files=("a.py",), branch="main")
    commit = Commit(sha=SHAS[0], authorship="x1", author="bob", authored_at=at, committed_at=at)
    pull = PullRequest(number=1, head_branch="feat/a", created_at=at, closed_at=at, commits=(commit,), author="bob")
    usage = Usage(tool="codex", session_id="s0", request_id="r1", at=at, model=MODEL, context=Context(author="bob"))
    before = msgspec.structs.replace(usage, work=Work(commits_made=(in_pull, on_main)))
    after = msgspec.structs.replace(
        usage,
        session_id="s1",
        at=MONDAY,
        context=Context(author="ann", branch="main"),
        work=Work(commits_made=(known,)),
    )
    facts = Facts([pull], [], [[before], [after]])
    with database.write() as connection:
        save(database, connection, key, facts)
        index = index_for(connection, key, "main", "", [after])
    assert attribute([after], index) == attribute([after], index_of_everything(facts))


def test_a_commit_that_was_pushed_directly_is_found_by_its_author(database: Database):
    key = RepositoryKey(5, REPOSITORY)
    report = CommitMade(sha=SHAS[0], authored_at=MONDAY + HOUR, files=("a.py",), branch="main")
    usage = Usage(tool="codex", session_id="s1", request_id="r1", at=MONDAY, model=MODEL)
    usage = msgspec.structs.replace(usage, context=Context(author="ann"), work=Work(edited_files=("a.py",)))
    by_hand = msgspec.structs.replace(usage, session_id="s0", work=Work(commits_after=(report,)))
    with database.write() as connection:
        save(database, connection, key, Facts([], [], [[by_hand], [usage]]))
        index = index_for(connection, key, "main", "", [usage])
    assert {claim.evidence for claim in attribute([usage], index).values()} == {Evidence.EDITS}


def test_the_files_of_a_commit_that_was_amended_are_those_that_its_machine_reported_long_before(database: Database):
    """It was written before the time that matters to the session, and rewritten within it."""
    key, written_at = RepositoryKey(5, REPOSITORY), MONDAY - 90 * DAY
    report = CommitMade(sha=SHAS[0], authorship="x1", authored_at=written_at, files=("a.py",), branch="feat/a")
    commit = Commit(sha=SHAS[1], authorship="x1", author="ann", authored_at=written_at, committed_at=MONDAY + HOUR)
    pull = PullRequest(number=1, head_branch="feat/a", created_at=written_at, commits=(commit,))
    usage = Usage(tool="codex", session_id="s1", request_id="r1", at=MONDAY, model=MODEL)
    usage = msgspec.structs.replace(
        usage, context=Context(branch="feat/a", author="ann"), work=Work(edited_files=("a.py",))
    )
    before = msgspec.structs.replace(usage, session_id="s0", at=written_at, work=Work(commits_made=(report,)))
    with database.write() as connection:
        save(database, connection, key, Facts([pull], [], [[before], [usage]]))
        index = index_for(connection, key, "main", "", [usage])
    assert {claim.evidence for claim in attribute([usage], index).values()} == {Evidence.EDITS}


def test_the_past_is_not_read(database: Database):
    """Rows that the database returns, and on SQLite the instructions that it carries out, too."""
    reads: list[tuple[int, int]] = []
    with database.write() as connection:
        for account_id, old_pulls in ((5, 20), (6, 400)):
            key = RepositoryKey(account_id, REPOSITORY)
            save(database, connection, key, past(old_pulls))
            counted = CountedConnection(connection)
            with instructions(connection) as steps:
                index = index_for(counted, key, "main", "", NEW)  # type: ignore[arg-type]
            reads.append((counted.rows, next(steps)))
            assert {claim.evidence for claim in attribute(NEW, index).values()} == {Evidence.STAMP}
            assert {*index.by_number} == {*range(1, 6)}
    (rows_of_20, instructions_of_20), (rows_of_400, instructions_of_400) = reads
    assert rows_of_20 == rows_of_400 > 5
    # Where a range ends in an index, the next row may be looked at. To pass over a row takes at least one instruction.
    assert instructions_of_400 - instructions_of_20 < 20


def usage_of(number: int) -> Usage:
    """A request of a person in their session, on the branch of a pull request, with a commit of it."""
    at = MONDAY if number < 1000 else MONDAY - (4000 - number) * HOUR
    report = CommitMade(
        sha=f"{number:07x}ab", authorship=f"{number:07x}cd", patch_id=f"{number:07x}ef", branch=f"feat/{number % 4}",
        files=("a.py",), authored_at=at, is_stamped=True,
    )  # fmt: skip
    return Usage(
        tool="codex", session_id=f"s{number}", request_id=f"r{number}", at=at, model=MODEL,
        context=Context(branch=report.branch, author=f"person{number % 4}"),
        work=Work(edited_files=("a.py",), commits_made=(report,), pulls_seen=(PullSeen(number=number, how="create"),)),
    )  # fmt: skip


def pull_of(number: int) -> PullRequest:
    """The one that holds that commit: of the same few people, branches and files."""
    usage = usage_of(number)
    (report,) = usage.work.commits_made
    author = usage.context.author
    commit = Commit(
        sha=report.sha, authorship=report.authorship, author=author, authored_at=usage.at, committed_at=usage.at
    )
    return PullRequest(
        number=number, head_branch=report.branch, base_branch="main", author=author, created_at=usage.at,
        closed_at=usage.at + HOUR, commits=(commit,), files=report.files,
    )  # fmt: skip


NEW = [usage_of(number) for number in range(1, 6)]


def past(old_pulls: int) -> Facts:
    """So many pull requests of months ago with their sessions and corrections, and five new ones."""
    numbers = [*range(1000, 1000 + old_pulls), *range(1, 6)]
    said = [
        Correction(said_at=MONDAY, tool="codex", session_id=f"s{number}", says="unlink", weights=((9, 1),))
        for number in numbers
    ]
    return Facts([pull_of(number) for number in numbers], said, [[usage_of(number)] for number in numbers])
