"""A changed fact has those sessions attributed again that it may concern: what all say in the end is what they would say anew."""

from collections.abc import Sequence
from datetime import datetime
from itertools import count
from typing import Any, NamedTuple, cast

import msgspec
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from attribution.evidence import Commit, Correction, Evidence, PullRequest
from attribution.identity import author
from attribution.outcome import Details
from attribution.protocol import Receipt
from attribution.usage import CommitMade, Context, Usage, Work, with_context
from bot import attribute, ingest
from bot.clock import to_ms
from bot.context import Bot
from bot.github import sync_account, sync_pull
from bot.keys import RepositoryKey, Sender
from bot.notify import Outbox
from bot.repository_settings import OperatorSettings
from bot.store import accounts as account_store
from bot.store import commands as command_store
from bot.store import ledger_history
from bot.store import pulls as pull_store
from bot.store import repositories as repository_store
from bot.store import sessions as session_store
from bot.store.database import Database
from bot.store.repositories import RepositoryFacts
from bot.work import queue
from bot.work.queue import Kind
from tests.bot.test_placing_reads import DAY, HOUR, SHAS, changes, commits_of_all, corrections, requests
from tests.examples import examples
from tests.notation import MODEL, MONDAY, session
from tests.world import World

# Each example is a repository of an account of its own, beside those before.
accounts = count(5)
NAME = "acme/widgets"
NOW_MS = to_ms(MONDAY + 400 * DAY)


class Default(NamedTuple):
    """The default branch is this one now."""

    branch: str


# A pull request as GitHub shows it, usage that a machine sends, what a maintainer says; None: the worker comes along.
Event = PullRequest | Sequence[Usage] | Correction | Default | None


few, how_many_pulls = st.integers(1, 3), st.integers(1, 4)
another_default = st.lists(st.sampled_from(["main", "feat/a"]).map(Default), max_size=1)
what_was_said, looks_of_the_worker = st.lists(corrections, max_size=1), st.integers(1, 4)


@st.composite
def histories(draw: st.DrawFn) -> list[Event]:
    """Pull requests that are pushed to, renamed, closed and opened again, while sessions arrive in pieces."""
    pool, numbers = draw(commits_of_all), range(1, draw(how_many_pulls) + 1)
    events: list[Event] = []
    for number in numbers:
        events += [changes(draw, number, pool) for _ in range(draw(few))]
    for name in ("s1", "s2", "s3"):
        usages = requests(draw, name, pool)
        cut = draw(st.integers(1, len(usages)))
        events += [part for part in (usages[:cut], usages[cut:]) if part]
    events += draw(what_was_said)
    events += draw(another_default)
    events += [None] * draw(looks_of_the_worker)
    return draw(st.permutations(events))


class Repository:
    """A repository of an account of its own, where events happen and the worker attributes."""

    def __init__(self, database: Database) -> None:
        self.database = database
        number = next(accounts)
        self.key = RepositoryKey(number, number)
        self.attributed = 0
        with database.write() as connection:
            account_store.save_account(database, connection, self.key.account_id, "acme", 1, suspended=False)
        self._bot = Bot(
            settings=cast(Any, None), operator=OperatorSettings(), database=database, clock=lambda: NOW_MS,
            github=cast(Any, None), outbox=Outbox(),
        )  # fmt: skip
        self._comment_ids = count(1)
        self.save("main")

    def save(self, default_branch: str) -> None:
        """As GitHub lists it."""
        facts = RepositoryFacts(
            repository_id=self.key.repository_id, full_name=NAME, private=True, default_branch=default_branch
        )
        with self.database.write() as connection:
            (difference,) = repository_store.save_repositories(self.database, connection, self.key.account_id, [facts])
            sync_account.note_difference(self._bot, connection, difference)

    def happen(self, event: Event) -> None:
        match event:
            case None:
                self.work()
            case PullRequest():
                self.read(event)
            case Correction():
                self.correct(event)
            case Default():
                self.save(event.branch)
            case _:
                self.receive(event)

    def read(self, pull: PullRequest) -> None:
        key = self.key.pull(pull.number)
        with self.database.write() as connection:
            before = pull_store.pull(connection, key)
            if pull_store.save_pull(self.database, connection, key, pull, Details(), ""):
                sync_pull.request_sessions(connection, key, before, pull)

    def receive(self, usages: Sequence[Usage]) -> None:
        body = msgspec.json.encode({"requests": [with_context(usage, repository=NAME) for usage in usages]})
        (receipt,) = ingest.receive(
            self.database,
            OperatorSettings(),
            lambda: NOW_MS,
            self.key.account_id,
            [(Sender(self.key.account_id), body)],
        )
        assert isinstance(receipt, Receipt)
        assert receipt.refused == []

    def correct(self, correction: Correction) -> None:
        with self.database.write() as connection:
            command_store.save_corrections(
                self.database, connection, self.key.pull(1), next(self._comment_ids), [correction]
            )
            session_store.request(connection, self.key, {(correction.tool, correction.session_id)})

    def work(self) -> None:
        """Attribute all that waits."""
        with self.database.write() as connection:
            self.attributed += len(session_store.waiting(connection, self.key, 1000))
            queue.request(connection, [queue.Work(Kind.ATTRIBUTE, *self.key)], 0)
        for lease in queue.claim(self.database, NOW_MS, 1000):
            if lease.work == queue.Work(Kind.ATTRIBUTE, *self.key):
                attribute.sessions(self._bot, lease)
            else:
                queue.finish(self.database, lease)

    def attribute_everything(self) -> None:
        sessions = session_store.sessions
        with self.database.write() as connection:
            ours = sessions.c.account_id == self.key.account_id
            rows = connection.execute(select(sessions.c.tool, sessions.c.session_id).where(ours)).all()
            session_store.request(connection, self.key, {(row.tool, row.session_id) for row in rows})
        self.work()

    def shares(self) -> dict[tuple[str, str], list[tuple[Any, ...]]]:
        """Who bears each request, and why."""
        with self.database.read() as connection:
            _, shares = ledger_history.everything(connection, self.key.account_id)
        return {
            (share.tool, share.request_id): sorted(
                (str(other.pull_number), other.weight, other.evidence, other.why)
                for other in shares
                if other.charge_key == share.charge_key
            )
            for share in shares
        }


@settings(
    max_examples=examples(40),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(histories())
def test_after_any_order_of_events_all_sessions_stand_as_if_attributed_anew(database: Database, history: list[Event]):
    repository = Repository(database)
    for happening in history:
        repository.happen(happening)
    repository.work()
    before = repository.shares()
    event(f"sessions attributed: {repository.attributed}")
    event(f"somebody bears it: {any(target != 'None' for shares in before.values() for target, *_ in shares)}")
    repository.attribute_everything()
    assert repository.shares() == before


@pytest.mark.parametrize(
    ("known", "placement"),
    [
        (CommitMade(sha="1" * 8, patch_id="p1"), ("1", Evidence.COMMIT)),
        (CommitMade(sha="1" * 8, authorship="x2"), ("None", Evidence.NONE)),
    ],
)
def test_a_pull_request_is_found_to_hold_a_change_that_a_session_knows_by_another_name(
    database: Database, known: CommitMade, placement: tuple[str, Evidence]
):
    """Picked elsewhere and rewritten: only what machines reported joins its names."""
    at = MONDAY - 90 * DAY
    in_pull = CommitMade(sha=SHAS[0], authorship="x1", patch_id="p1", authored_at=at, files=("a.py",), branch="feat/a")
    on_main = CommitMade(sha=SHAS[3], authorship="x2", patch_id="p1", authored_at=at, files=("a.py",), branch="main")
    commit = Commit(sha=SHAS[0], authorship="x1", author="bob", authored_at=at, committed_at=at)
    pull = PullRequest(number=1, head_branch="feat/a", created_at=at, closed_at=at, commits=(commit,), author="bob")
    reports, session = made(at, "bob", "s0", in_pull, on_main), made(MONDAY, "ann", "s1", known)
    pushed_directly = "None", Evidence.COMMIT
    assert placement_after(database, reports, session, None) == pushed_directly
    assert placement_after(database, reports, session, None, pull) == placement


def test_the_files_of_a_rewritten_commit_are_reported_late(database: Database):
    """By the machine that wrote it, long before the session and its rewriting."""
    at = MONDAY - 90 * DAY
    report = CommitMade(sha=SHAS[0], authorship="x1", authored_at=at, files=("a.py",), branch="feat/a")
    commit = Commit(sha=SHAS[1], authorship="x1", author="ann", authored_at=at, committed_at=MONDAY + HOUR)
    pull = PullRequest(number=1, head_branch="feat/a", created_at=at, commits=(commit,), files=("b.py",))
    edits = usage_of(MONDAY, "ann", "s1", Work(edited_files=("a.py",)), "feat/a")
    assert placement_after(database, pull, edits, None, made(at, "ann", "s0", report)) == ("1", Evidence.EDITS)


def test_a_commit_that_was_pushed_directly_is_reported_late(database: Database):
    report = CommitMade(sha=SHAS[0], authored_at=MONDAY + HOUR, files=("a.py",), branch="main")
    edits = usage_of(MONDAY, "ann", "s1", Work(edited_files=("a.py",)))
    by_hand = usage_of(MONDAY + 2 * HOUR, "ann", "s0", Work(commits_after=(report,)))
    assert placement_after(database, edits, None, by_hand) == ("None", Evidence.EDITS)


def test_a_pull_request_from_a_reused_branch_has_no_session_of_the_one_before_attributed_again(database: Database):
    repository = Repository(database)
    before = PullRequest(number=1, head_branch="feat/a", created_at=MONDAY - 91 * DAY, closed_at=MONDAY)
    repository.happen(before)
    repository.happen(usage_of(MONDAY - 90 * DAY, "ann", "s1", Work(), "feat/a"))
    repository.happen(usage_of(MONDAY + DAY, "bob", "s2", Work(), "feat/a"))
    repository.work()
    attributed = repository.attributed
    repository.happen(PullRequest(number=2, head_branch="feat/a", created_at=MONDAY + 2 * DAY))
    repository.work()
    assert repository.attributed == attributed + 1
    targets = {name: shares[0][0] for (_, name), shares in repository.shares().items()}
    assert targets == {"s1-0": "1", "s2-0": "2"}


def test_a_branch_that_becomes_the_default_one_is_no_evidence_any_more(database: Database):
    pull = PullRequest(number=1, head_branch="develop", created_at=MONDAY)
    edits = usage_of(MONDAY, "ann", "s1", Work(), "develop")
    assert placement_after(database, pull, edits) == ("1", Evidence.BRANCH)
    assert placement_after(database, pull, edits, None, Default("develop")) == ("None", Evidence.NONE)


def usage_of(at: datetime, author: str, session_id: str, work: Work, branch: str = "main") -> list[Usage]:
    context = Context(branch=branch, author=author)
    name = f"{session_id}-0"
    return [Usage(tool="codex", session_id=session_id, request_id=name, at=at, model=MODEL, context=context, work=work)]


def made(at: datetime, author: str, session_id: str, *commits: CommitMade) -> list[Usage]:
    return usage_of(at, author, session_id, Work(commits_made=commits))


def placement_after(database: Database, *history: Event) -> tuple[str, Evidence]:
    """The pull request that bears the session `s1` after these events, and by what evidence: as if it were attributed anew."""
    repository = Repository(database)
    for happening in (*history, None):
        repository.happen(happening)
    before = repository.shares()
    repository.attribute_everything()
    assert repository.shares() == before
    ((target, _, evidence, _),) = before["codex", "s1-0"]
    return target, evidence


def test_a_push_has_its_own_sessions_attributed_again_and_no_others(world: World):
    """Two hundred sessions of other people are near in time; they edited the same file, on branches of their own."""
    world.at("09:00")
    world.open_pull(12, "feat/a", "1111111:a.py")
    others = [
        usage
        for number in range(200)
        for usage in session(
            f"09:0{number % 10} feat/{number} $0.01 edits a.py",
            f"other{number}",
            author=author(f"dev{number}@acme.example"),
        )
    ]
    world.send_usage(others)
    world.work("09:10 feat/a $1.00 edits a.py", "on its branch", by="bob")
    world.work("09:10 main $1.00 edits a.py", "by its author")
    world.work("09:10 main $1.00 saw view:12", "about it", by="joe")
    world.settle()
    before = request_counts(world)
    world.at("10:00")
    world.push("feat/a", "2222222:a.py")
    world.settle()
    after = request_counts(world)
    assert {name for name in after if after[name] != before[name]} == {"on its branch", "by its author", "about it"}
    assert len(after) == 203


def request_counts(world: World) -> dict[str, int]:
    """How often each session was to be attributed."""
    sessions = session_store.sessions
    with world.database.read() as connection:
        return {row.session_id: row.request_count for row in connection.execute(select(sessions))}
