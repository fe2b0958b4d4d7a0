"""The past of a repository: pull requests with their reported commits, what they cost, and issues that they closed."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec
from sqlalchemy import Connection

from attribution import references
from attribution.clues import SHORT, clues_of, presences_of
from attribution.evidence import Claim, Commit, Evidence, PullRequest, claim
from attribution.issues import Issue
from attribution.outcome import Details
from attribution.usage import CommitMade, Context, Tokens, Usage, Work
from bot.clock import to_ms
from bot.keys import RepositoryKey, Sender
from bot.store import commits, issues, ledger, presences, publications, pulls, requests, session_clues, sessions
from bot.store import references as reference_store
from bot.store import shares as share_store
from bot.store.database import Database
from bot.store.day_sums import changes_of
from bot.store.inserts import insert_rows

PEOPLE, COMMITS, FILES = 40, 5, 20
# Forty people open about as many pull requests a day.
EACH = timedelta(minutes=36)
# Numbers below are for those who tell what happens next. Every third pull request closed the issue of its number and so much.
FIRST, ISSUES = 1000, 1_000_000
_AT_ONCE = 1000


def fill(
    database: Database, key: RepositoryKey, people: Sequence[str], count: int, until: datetime, each: timedelta = EACH
) -> None:
    """So many pull requests of these people, one `each`, the newest just before `until`."""
    for first in range(0, count, _AT_ONCE):
        places = range(first, min(first + _AT_ONCE, count))
        some = [pull_of(i, people[i % len(people)], until - each * (count - i)) for i in places]
        with database.write() as connection, changes_of(connection, key.account_id) as sums:
            _save_facts(connection, key, some)
            usages = [usage_of(pull, place, key) for pull in some for place in range(COMMITS)]
            sender = Sender(key.account_id, "history")
            commits.save_commits(connection, key, usages, sender)
            requests.save_usage(connection, sender, usages, to_ms(until), sums)
        with database.write() as connection, changes_of(connection, key.account_id) as sums:
            waiting = sessions.waiting(connection, key, _AT_ONCE)
            charges_of = ledger.charges_of(connection, key, [(row.tool, row.session_id) for row in waiting])
            claims = [(entry, _claim(entry.charge.usage)) for own in charges_of.values() for entry in own]
            share_store.save_claims(connection, key, claims, to_ms(until), sums)
            clues = {name: clues_of([entry.charge.usage for entry in own], "main") for name, own in charges_of.items()}
            session_clues.save(connection, key, clues)
            sessions.mark_done(connection, waiting, to_ms(until))
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("ANALYZE")


def _claim(usage: Usage) -> Claim:
    """As the rules decide it."""
    number, (report,) = int(usage.session_id[1:]), usage.work.commits_made
    return claim(number, Evidence.COMMIT, f"made commit `{report.sha[:SHORT]}`, in #{number}")


def _save_facts(connection: Connection, key: RepositoryKey, some: Sequence[PullRequest]) -> None:
    """What GitHub says, as the store's own functions keep it."""
    details = {
        pull.number: Details(
            title=f"Change {pull.number}",
            updated_at=pull.created_at,
            closes=(pull.number + ISSUES,) * (pull.number % 3 == 0),
        )
        for pull in some
    }
    own = key._asdict()
    insert_rows(connection, pulls.pulls, [
        own | {
            "number": pull.number, "facts": _json(pull), "details": _json(details[pull.number]), "head_sha": pull.commits[-1].sha,
            "created_at_ms": to_ms(pull.created_at), "closed_at_ms": _ms(pull.closed_at), "merged_at_ms": _ms(pull.merged_at),
            "updated_at_ms": to_ms(pull.created_at), "comments_read_until_ms": 0, "comment_on": True,
            "comment_due_at_ms": 0, "skip": "",
        }
        for pull in some
    ])  # fmt: skip
    insert_rows(connection, reference_store.references, [
        own | {"number": pull.number, "text": text}
        for pull in some for text in sorted(references.of_pull(pull, details[pull.number]))
    ])  # fmt: skip
    insert_rows(connection, presences.presences, [
        own | {"number": pull.number, "text": text, "from_ms": to_ms(since), "until_ms": to_ms(until)}
        for pull in some for text, (since, until) in presences_of(pull).items()
    ])  # fmt: skip
    insert_rows(connection, publications.publications, [
        own | {
            "number": pull.number, "kind": "pull", "comment_id": pull.number, "state": "live", "body_sha256": "", "head_sha": ""
        }
        for pull in some
    ])  # fmt: skip
    closed = {number: pull for pull in some for number in details[pull.number].closes}
    insert_rows(connection, issues.issues, [
        own | {
            "number": number, "facts": _json(Issue(number=number, created_at=pull.created_at, closed_at=pull.closed_at)),
            "closed_at_ms": _ms(pull.closed_at), "updated_at_ms": 0, "comments_read_until_ms": 0,
        }
        for number, pull in closed.items()
    ])  # fmt: skip


def _json(facts: object) -> str:
    return msgspec.json.encode(facts).decode()


def _ms(at: datetime | None) -> int | None:
    return None if at is None else to_ms(at)


def pull_of(place: int, author: str, created_at: datetime) -> PullRequest:
    """One of ten was closed without a merge; branches of the same names and files come back. Open for two days."""
    closed_at = created_at + timedelta(days=2)
    return PullRequest(
        number=FIRST + place,
        head_branch=f"work/part_{place % 1000}",
        base_branch="main",
        author=author,
        created_at=created_at,
        closed_at=closed_at,
        merged_at=closed_at if place % 10 else None,
        commits=tuple(_commit(place, i, author, created_at) for i in range(COMMITS)),
        files=tuple(f"src/part{place % 50}/file{i}.py" for i in range(FILES)),
    )


def _commit(place: int, nth: int, author: str, created_at: datetime) -> Commit:
    at = (created_at + timedelta(hours=nth)).replace(microsecond=0)
    name = f"{place * COMMITS + nth:08x}"
    return Commit(
        sha=f"{name[::-1]}{name:0>32}", authorship=f"{name[::-1]}{name}", author=author, authored_at=at, committed_at=at
    )


def usage_of(pull: PullRequest, place: int, key: RepositoryKey) -> Usage:
    """A request that made a commit of the pull request, in the one session that it took."""
    commit = pull.commits[place]
    assert commit.authored_at is not None
    files = pull.files[4 * place : 4 * place + 4]
    report = CommitMade(
        sha=commit.sha, authorship=commit.authorship, branch=pull.head_branch, authored_at=commit.authored_at, files=files,
        patch_id=commit.sha[::-1],
    )  # fmt: skip
    return Usage(
        tool="claude-code", session_id=f"s{pull.number}", request_id=f"{pull.number}-{place}", at=commit.authored_at,
        model="claude-opus-5", tokens=Tokens(uncached_input=20_000 + pull.number % 999),
        context=Context(repository=str(key.repository_id), branch=pull.head_branch, author=commit.author),
        work=Work(edited_files=files, commits_made=(report,)),
    )  # fmt: skip
