"""Commits in the database: as the machines that made them report them, and those of the default branch that GitHub lists.

Nobody proves a report, so it counts for the sessions of its sender alone: it takes no work of others to a pull request, nor
away from one. What GitHub lists counts for all.
"""

from collections.abc import Collection, Iterable
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, and_, bindparam, delete, literal, select

from attribution.clues import Clues, names_of
from attribution.reported_commits import ReportedCommit, reported_commits, with_report
from attribution.usage import Usage
from bot.clock import to_ms
from bot.keys import RepositoryKey, Sender
from bot.store.among import among
from bot.store.database import of_repository, rows_in, table
from bot.store.inserts import insert_rows
from bot.store.tables import CommitName, CommitRow

commits, names = table(CommitRow), table(CommitName)

# In place of a sender, all of whom have names (`store.tokens`).
GITHUB = ""

_SENDERS = bindparam("of_sender"), literal(GITHUB)
_ALL = select(commits.c.facts, commits.c.sender).where(of_repository(commits), commits.c.sender.in_(_SENDERS))
_OR_CHANGE = """
    ON CONFLICT (account_id, repository_id, sender, sha) DO UPDATE SET
        token_id = excluded.token_id, facts = excluded.facts, author = excluded.author, at_ms = excluded.at_ms"""
_ANYONES_SHAS = select(names.c.sha).where(of_repository(names), among(names.c.text, "names"))
_ANYONES = select(commits.c.facts).where(of_repository(commits), among(commits.c.sha, "shas"))
_BY_SHA = _ALL.where(among(commits.c.sha, "shas"))
_SHAS_BY_NAME = select(names.c.sha).where(
    of_repository(names), names.c.sender.in_(_SENDERS), among(names.c.text, "names")
)
_OF_TOKEN = and_(
    of_repository(commits), commits.c.sender == bindparam("of_sender"), commits.c.token_id == bindparam("of_token")
)
_SENT = select(commits.c.facts).where(_OF_TOKEN)
_OF_SENDER = select(commits.c.facts).where(
    of_repository(commits),
    commits.c.sender == bindparam("of_sender"),
    among(commits.c.sha, "shas"),
)
_FORGET = delete(commits).where(_OF_TOKEN)
_BY_AUTHOR = _ALL.where(
    among(commits.c.author, "authors"),
    commits.c.at_ms >= bindparam("since_ms"),
    commits.c.at_ms <= bindparam("until_ms"),
)


def save_commits(
    connection: Connection, key: RepositoryKey, usages: Iterable[Usage], sender: Sender
) -> list[ReportedCommit]:
    """Store the commits that come with a sender's usage. Returns those that are new or changed, as they are and as they were."""
    return _save(connection, key, reported_commits(usages), sender)


def save_listed(connection: Connection, key: RepositoryKey, listed: Iterable[ReportedCommit]) -> None:
    """Store commits of the default branch that GitHub lists and that are in no pull request."""
    _save(connection, key, listed, Sender(key.account_id, GITHUB))


def listed(connection: Connection, key: RepositoryKey, shas: Collection[str]) -> set[str]:
    """Which of these commits are stored as GitHub lists them."""
    return set(_of_sender(connection, key, GITHUB, shas))


def _save(
    connection: Connection, key: RepositoryKey, found: Iterable[ReportedCommit], sender: Sender
) -> list[ReportedCommit]:
    reports = {commit.report.sha: commit for commit in found}
    before = _of_sender(connection, key, sender.name, sorted(reports))
    fresh = [commit for sha, commit in sorted(reports.items()) if before.get(sha) != commit]
    rows = [
        key._asdict()
        | {
            "sender": sender.name,
            "sha": commit.report.sha,
            "token_id": sender.token_id,
            "facts": msgspec.json.encode(commit).decode(),
            "author": commit.author,
            "at_ms": to_ms(commit.report.authored_at),
        }
        for commit in fresh
        if commit.report.authored_at
    ]
    insert_rows(connection, commits, rows, _OR_CHANGE)
    by_name = [
        key._asdict() | {"sender": sender.name, "text": name, "sha": commit.report.sha}
        for commit in fresh
        for name in sorted(names_of([commit.report]))
    ]
    insert_rows(connection, names, by_name, "ON CONFLICT DO NOTHING")
    return fresh + [before[commit.report.sha] for commit in fresh if commit.report.sha in before]


def forget(connection: Connection, key: RepositoryKey, sender: Sender) -> list[ReportedCommit]:
    """Forget the commits that were last reported with this token. Returns them."""
    params = {**key.params, "of_sender": sender.name, "of_token": sender.token_id}
    reports = _decoded(connection.execute(_SENT, params).scalars())
    connection.execute(_FORGET, params)
    return list(reports.values())


def with_names(
    connection: Connection, key: RepositoryKey, sender: str, wanted: Collection[str]
) -> dict[str, ReportedCommit]:
    """The commits with one of these names (`clues.names_of`) that a sender reported or GitHub lists, by id."""
    found = rows_in(connection, _SHAS_BY_NAME, {**key.params, "of_sender": sender}, "names", wanted)
    return _by_sha(connection, key, sender, sorted({row.sha for row in found}))


def by_anyone(connection: Connection, key: RepositoryKey, wanted: Collection[str]) -> list[ReportedCommit]:
    """The commits with one of these names, as each sender reported them."""
    shas = {row.sha for row in rows_in(connection, _ANYONES_SHAS, key.params, "names", wanted)}
    decode = msgspec.json.Decoder(ReportedCommit).decode
    return [decode(row.facts) for row in rows_in(connection, _ANYONES, key.params, "shas", shas)]


def by_authors(connection: Connection, key: RepositoryKey, sender: str, clues: Clues) -> dict[str, ReportedCommit]:
    """What a sender reported or GitHub lists of that time and these authors, by id."""
    params = {**key.params, "of_sender": sender, "since_ms": to_ms(clues.since), "until_ms": to_ms(clues.until)}
    return _known(rows_in(connection, _BY_AUTHOR, params, "authors", clues.authors))


def _by_sha(
    connection: Connection, key: RepositoryKey, sender: str, shas: Collection[str]
) -> dict[str, ReportedCommit]:
    return _known(rows_in(connection, _BY_SHA, {**key.params, "of_sender": sender}, "shas", shas))


def _of_sender(
    connection: Connection, key: RepositoryKey, sender: str, shas: Collection[str]
) -> dict[str, ReportedCommit]:
    rows = rows_in(connection, _OF_SENDER, {**key.params, "of_sender": sender}, "shas", shas)
    return _decoded(row.facts for row in rows)


def _known(rows: Iterable[Row[Any]]) -> dict[str, ReportedCommit]:
    """A commit that GitHub lists is as GitHub has it."""
    by_origin: dict[bool, list[str]] = {True: [], False: []}
    for row in rows:
        by_origin[row.sender == GITHUB].append(row.facts)
    reports = _decoded(by_origin[False])
    return reports | {sha: with_report(commit, reports.get(sha)) for sha, commit in _decoded(by_origin[True]).items()}


def _decoded(facts: Iterable[str]) -> dict[str, ReportedCommit]:
    decode = msgspec.json.Decoder(ReportedCommit).decode
    return {commit.report.sha: commit for commit in map(decode, facts)}
