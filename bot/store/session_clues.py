"""What sessions were attributed by (`attribution.clues`), so that a changed fact finds those that it may concern, and no other.

It is the search of `bot.attribute.index_for` backwards: a session is found by a pull request or a commit that it would find.
"""

from collections.abc import Collection, Iterable, Mapping, Set

from sqlalchemy import Connection, bindparam, delete, select

from attribution.clues import Clues, names_of, of_author, of_branch, of_name, of_number, presences_of
from attribution.evidence import Commit, PullRequest
from attribution.reported_commits import ReportedCommit
from bot.clock import to_ms
from bot.keys import RepositoryKey
from bot.store import commits as commit_store
from bot.store import presences as presence_store
from bot.store import pulls as pull_store
from bot.store.among import among
from bot.store.database import of_names, of_repository, rows_in, rows_named, table
from bot.store.inserts import insert_rows
from bot.store.sessions import SessionKey
from bot.store.tables import SessionClue

clues = table(SessionClue)

_OF_SESSIONS = select(clues).where(of_repository(clues), of_names(clues.c.tool, clues.c.session_id))
_FORGET = delete(clues).where(
    of_repository(clues), clues.c.tool == bindparam("of_tool"), clues.c.session_id == bindparam("of_session")
)
_FOUND = select(clues.c.tool, clues.c.session_id).where(of_repository(clues))
_BY_TEXT = _FOUND.where(among(clues.c.text, "texts"))
_BY_TIME = _FOUND.where(
    clues.c.text == bindparam("of_text"),
    clues.c.until_ms >= bindparam("since_ms"),
    clues.c.since_ms <= bindparam("until_ms"),
)


def save(connection: Connection, key: RepositoryKey, by_session: Mapping[SessionKey, Clues]) -> None:
    """Store what sessions are attributed by now."""
    before: dict[SessionKey, set[tuple[str, int, int]]] = {}
    for row in rows_named(connection, _OF_SESSIONS, key.params, by_session):
        before.setdefault((row.tool, row.session_id), set()).add((row.text, row.since_ms, row.until_ms))
    rows: list[dict[str, object]] = []
    forgotten: list[dict[str, int | str]] = []
    for (tool, session_id), its in by_session.items():
        after = {(text, to_ms(its.since), to_ms(its.until)) for text in its.texts}
        earlier = before.get((tool, session_id), set())
        if earlier == after:
            continue
        if earlier:
            forgotten.append(key.params | {"of_tool": tool, "of_session": session_id})
        rows += [
            key._asdict()
            | {"tool": tool, "session_id": session_id, "text": text, "since_ms": since_ms, "until_ms": until_ms}
            for text, since_ms, until_ms in sorted(after)
        ]
    if forgotten:
        connection.execute(_FORGET, forgotten)
    insert_rows(connection, clues, rows)


def concerned_by_pulls(connection: Connection, key: RepositoryKey, pulls: Collection[PullRequest]) -> set[SessionKey]:
    """The sessions that may be attributed otherwise when these pull requests are read: one as it was, and as it is."""
    search = _Search(connection, key)
    for pull in pulls:
        for text, (since, until) in presences_of(pull).items():
            since_ms = to_ms(since)
            if text == of_branch(pull.head_branch):
                since_ms = presence_store.predecessor_until_ms(connection, key, pull) or since_ms
            search.add_time(text, since_ms, to_ms(until))
    search.texts |= {of_number(pull.number) for pull in pulls}
    commits = [commit for pull in pulls for commit in pull.commits]
    return search.sessions([*commits, *search.forms(names_of(commits))])


def concerned_by_commits(
    connection: Connection, key: RepositoryKey, commits: Collection[ReportedCommit]
) -> set[SessionKey]:
    """The sessions that may be attributed otherwise when machines report these commits: as they were, and as they are."""
    search = _Search(connection, key)
    search.add_reports(commits)
    forms = search.forms(names_of(commit.report for commit in commits))
    return search.sessions([*forms, *(commit.commit for commit in commits)])


class _Search:
    """`texts` lead to sessions of any time, `times` to those of a time, as (from, until) in milliseconds by text."""

    def __init__(self, connection: Connection, key: RepositoryKey) -> None:
        self._connection, self._key = connection, key
        self.texts = set[str]()
        self.times: dict[str, tuple[int, int]] = {}

    def add_time(self, text: str, since_ms: int, until_ms: int) -> None:
        since_before_ms, until_before_ms = self.times.get(text, (since_ms, until_ms))
        self.times[text] = min(since_ms, since_before_ms), max(until_ms, until_before_ms)

    def add_reports(self, commits: Iterable[ReportedCommit]) -> None:
        """Their authors' sessions of the time know them."""
        for commit in commits:
            if commit.report.authored_at is not None:
                at_ms = to_ms(commit.report.authored_at)
                self.add_time(of_author(commit.author), at_ms, at_ms)

    def forms(self, names: Set[str]) -> list[Commit]:
        """Commits of these names in pull requests, where they may be rewritten. Their authors' sessions of the time know them."""
        pulls = pull_store.pull_facts(
            self._connection, self._key, pull_store.containing(self._connection, self._key, names)
        )
        forms = [commit for pull in pulls for commit in pull.commits if not names.isdisjoint(names_of([commit]))]
        for form in forms:
            for at in filter(None, (form.authored_at, form.committed_at)):
                self.add_time(of_author(form.author), to_ms(at), to_ms(at))
        return forms

    def sessions(self, commits: Iterable[Commit]) -> set[SessionKey]:
        """Those that know one of the texts, and those that know one of the commits under any of its names."""
        names = names_of(commits)
        for _ in range(2):  # what a session knows, and what reports say of that
            reports = commit_store.by_anyone(self._connection, self._key, names)
            names |= names_of(commit.report for commit in reports)
            self.add_reports(reports)
        texts, params = self.texts | {of_name(name) for name in names}, self._key.params
        sessions = {(row.tool, row.session_id) for row in rows_in(self._connection, _BY_TEXT, params, "texts", texts)}
        for text, (since_ms, until_ms) in sorted(self.times.items()):
            then = params | {"of_text": text, "since_ms": since_ms, "until_ms": until_ms}
            sessions |= {(row.tool, row.session_id) for row in self._connection.execute(_BY_TIME, then)}
        return sessions
