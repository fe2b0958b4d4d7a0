"""Pull requests: their facts, details, and how far each is handled."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import TypeAlias

import msgspec
from sqlalchemy import Connection, bindparam, exists, select, union_all, update

from attribution import references
from attribution.clues import Clues
from attribution.evidence import PullRequest
from attribution.issues import Issue
from attribution.outcome import Details
from bot.clock import from_ms, to_ms
from bot.keys import PullKey, RepositoryKey
from bot.store import presences as presence_store
from bot.store import references as reference_store
from bot.store.among import among
from bot.store.database import Database, of_pull, of_repository, one, rows_in, table
from bot.store.tables import DaySum, Publication, Pull

pulls, publications, day_sums = table(Pull), table(Publication), table(DaySum)

# Pull requests and what they say of themselves, by number.
Pulls: TypeAlias = tuple[Mapping[int, PullRequest], Mapping[int, Details]]

_ONE = select(pulls).where(of_pull(pulls))
_BEFORE = select(pulls.c.facts, pulls.c.updated_at_ms).where(of_pull(pulls)).with_for_update()
_BY_NUMBER = select(pulls.c.number, pulls.c.facts, pulls.c.details).where(
    of_repository(pulls), among(pulls.c.number, "numbers")
)
_MERGED = select(pulls.c.number).where(
    of_repository(pulls), pulls.c.merged_at_ms >= bindparam("from_ms"), pulls.c.merged_at_ms < bindparam("to_ms")
)
_NEWEST = (
    select(pulls.c.number, pulls.c.created_at_ms, pulls.c.merged_at_ms)
    .where(of_repository(pulls), pulls.c.merged_at_ms.is_not(None))
    .order_by(pulls.c.merged_at_ms.desc(), pulls.c.number.desc())
    .limit(bindparam("most"))
)
_OPEN = select(pulls.c.number).where(of_repository(pulls), pulls.c.closed_at_ms.is_(None))
_FACTS = select(pulls.c.facts).where(of_repository(pulls), among(pulls.c.number, "numbers"))
# Two ranges of an index, which SQLite would not take for one condition with OR.
_RECENT = union_all(
    select(pulls.c.facts).where(of_repository(pulls), pulls.c.closed_at_ms.is_(None)),
    select(pulls.c.facts).where(of_repository(pulls), pulls.c.closed_at_ms >= bindparam("since_ms")),
)
_SAME_PULL = [getattr(pulls.c, name) == getattr(publications.c, name) for name in PullKey._fields]
_COSTS = exists(
    select(day_sums.c.parts).where(
        of_repository(day_sums), day_sums.c.pull_number == pulls.c.number, day_sums.c.parts > 0
    )
)
# Why there is none, as the comment itself notes it: not looked at yet, or no work then.
_SILENT = select(pulls.c.number).where(
    of_repository(pulls),
    pulls.c.skip.in_(["", "no work"]),
    ~exists(
        select(publications.c.kind).where(
            *_SAME_PULL,
            publications.c.kind == "pull",
            publications.c.comment_id.is_not(None) | (publications.c.state != "live"),
        )
    ),
    _COSTS,
)
_WITHOUT_COMMENT = union_all(
    _SILENT.where(pulls.c.closed_at_ms.is_(None)), _SILENT.where(pulls.c.closed_at_ms >= bindparam("since_ms"))
)
_CHANGE = update(pulls).where(of_pull(pulls))


def save_pull(
    database: Database, connection: Connection, key: PullKey, facts: PullRequest, details: Details, head_sha: str
) -> bool:
    """Store a pull request's facts. True if what attribution sees has changed. An older answer never replaces a newer one."""
    encoded = msgspec.json.encode(facts).decode()
    updated_at_ms = to_ms(details.updated_at) if details.updated_at else 0
    before = connection.execute(_BEFORE, key.params).first()
    if before and before.updated_at_ms > updated_at_ms:
        return False
    state = {
        "facts": encoded,
        "details": msgspec.json.encode(details).decode(),
        "head_sha": head_sha,
        "created_at_ms": to_ms(facts.created_at),
        "closed_at_ms": to_ms(facts.closed_at) if facts.closed_at else None,
        "merged_at_ms": to_ms(facts.merged_at) if facts.merged_at else None,
        "updated_at_ms": updated_at_ms,
    }
    insert = database.insert(pulls).values(
        **key._asdict(), **state, comments_read_until_ms=0, comment_on=True, comment_due_at_ms=0, skip=""
    )
    connection.execute(insert.on_conflict_do_update(index_elements=[*PullKey._fields], set_=state))
    reference_store.save(connection, key, references.of_pull(facts, details))
    presence_store.save(connection, key, facts)
    return before is None or before.facts != encoded


def pull(connection: Connection, key: PullKey) -> Pull | None:
    return one(Pull, connection, _ONE, key.params)


def facts_of_pull(connection: Connection, key: PullKey) -> PullRequest | None:
    row = pull(connection, key)
    return msgspec.json.decode(row.facts, type=PullRequest) if row else None


def details_of_pull(connection: Connection, key: PullKey) -> Details:
    """What a pull request says of itself; nothing where it is not known."""
    row = pull(connection, key)
    return msgspec.json.decode(row.details, type=Details) if row and row.details else Details()


def note(connection: Connection, key: PullKey, **state: object) -> None:
    """Remember how far the conversation is read (`comments_read_until_ms`), whether people want the comment (`comment_on`), and
    why there is none (`skip`)."""
    connection.execute(_CHANGE.values(**state), key.params)


def by_number(connection: Connection, key: RepositoryKey, numbers: Collection[int]) -> Pulls:
    """These pull requests of a repository, as far as they are known."""
    decode, decode_details = msgspec.json.Decoder(PullRequest).decode, msgspec.json.Decoder(Details).decode
    rows = list(rows_in(connection, _BY_NUMBER, key.params, "numbers", numbers))
    return (
        {row.number: decode(row.facts) for row in rows},
        {row.number: decode_details(row.details) for row in rows if row.details},
    )


def with_reverts(connection: Connection, key: RepositoryKey, numbers: Collection[int]) -> Pulls:
    """These pull requests, those that they take back, those that take them back, and so on: what `outcome` decides by."""
    facts: dict[int, PullRequest] = {}
    details: dict[int, Details] = {}
    read, waiting = set[int](), set(numbers)
    while waiting:
        read |= waiting
        new_facts, new_details = by_number(connection, key, waiting)
        facts |= new_facts
        details |= new_details
        texts, waiting = set[str](), set[int]()
        for number, pull in new_facts.items():
            own = new_details.get(number, Details())
            texts |= references.to_reverts_of(pull, own) | references.to_commits_reverted_by(own)
            waiting |= set(own.reverts)
        waiting = (waiting | reference_store.referring(connection, key, texts)) - read
    return facts, details


def serving(connection: Connection, key: RepositoryKey, issues: Collection[Issue]) -> set[int]:
    """The pull requests that may serve one of these issues: `issues_of_pulls` decides."""
    linked = {number for issue in issues for number in issue.pulls}
    texts = references.to_issues(issue.number for issue in issues)
    return linked | reference_store.referring(connection, key, texts)


def present(connection: Connection, key: RepositoryKey, clues: Clues) -> set[int]:
    """The pull requests that sessions name, and those that their authors worked on or that were open from their branches then."""
    return presence_store.present(connection, key, clues) | clues.numbers


def containing(connection: Connection, key: RepositoryKey, names: Collection[str]) -> set[int]:
    """The pull requests that contain commits with one of these names (`clues.names_of`)."""
    return reference_store.referring(connection, key, references.to_commits(names))


def merged_between(connection: Connection, key: RepositoryKey, from_ms: int, to_ms: int) -> set[int]:
    """The numbers of the pull requests merged within a time (its end is not included)."""
    return set(connection.execute(_MERGED, key.params | {"from_ms": from_ms, "to_ms": to_ms}).scalars())


def newest_merges(connection: Connection, key: RepositoryKey, most: int) -> dict[int, tuple[datetime, datetime]]:
    """The pull requests merged last, at most so many: when each was opened and merged, by number."""
    rows = connection.execute(_NEWEST, key.params | {"most": most})
    return {row.number: (from_ms(row.created_at_ms), from_ms(row.merged_at_ms)) for row in rows}


def open_pulls(connection: Connection, key: RepositoryKey) -> list[int]:
    """The numbers of the pull requests that are open."""
    return list(connection.execute(_OPEN, key.params).scalars())


def without_comment(connection: Connection, key: RepositoryKey, since_ms: int) -> list[int]:
    """The pull requests, open or closed since then, that cost something and have no comment though nothing speaks against one."""
    return list(connection.execute(_WITHOUT_COMMENT, key.params | {"since_ms": since_ms}).scalars())


def pull_facts(connection: Connection, key: RepositoryKey, numbers: Collection[int]) -> list[PullRequest]:
    """The facts of these pull requests of a repository, as far as they are known."""
    decode = msgspec.json.Decoder(PullRequest).decode
    return [decode(row.facts) for row in rows_in(connection, _FACTS, key.params, "numbers", numbers)]


def pulls_not_closed_before(connection: Connection, key: RepositoryKey, since_ms: int) -> Iterable[PullRequest]:
    """The facts of the pull requests of a repository that are open, or were then."""
    decode = msgspec.json.Decoder(PullRequest).decode
    return [decode(facts) for facts in connection.execute(_RECENT, key.params | {"since_ms": since_ms}).scalars()]
