"""What people say in conversations: commands, the corrections that they make, and what the bot suggests to link."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, and_, bindparam, select, update

from attribution.cost import Cost
from attribution.evidence import Correction, Evidence
from attribution.report import NO_PULL, Suggestion, short_id
from bot.keys import PullKey, RepositoryKey
from bot.store.among import among
from bot.store.database import Database, of_names, of_pull, of_repository, rows, rows_in, rows_named, table
from bot.store.sessions import SessionKey, sessions
from bot.store.tables import CommandRow, CorrectionRow, SuggestionRow

commands, corrections, suggestions = table(CommandRow), table(CorrectionRow), table(SuggestionRow)

_SESSION = ("account_id", "repository_id", "tool", "session_id")
_OF_COMMENT = of_pull(commands) & (commands.c.comment_id == bindparam("of_comment"))
_RUN = select(commands.c.comment_id).where(of_pull(commands), among(commands.c.comment_id, "comment_ids"))
_UNANSWERED = select(commands).where(of_pull(commands), ~commands.c.is_answered).order_by(commands.c.comment_id)
_ANSWER = update(commands).where(_OF_COMMENT).values(is_answered=True)
_CORRECTIONS = select(corrections.c.facts).where(
    of_repository(corrections), among(corrections.c.session_id, "session_ids")
)
_SUGGESTIONS = select(suggestions).where(of_pull(suggestions))
_SUGGESTIONS_OF_SESSIONS = select(suggestions).where(
    of_repository(suggestions), of_names(suggestions.c.tool, suggestions.c.session_id)
)
_WITHOUT_PULL = (
    select(suggestions)
    .join(sessions, and_(*(sessions.c[name] == suggestions.c[name] for name in _SESSION)))
    .where(
        of_pull(suggestions),
        sessions.c.first_at_ms < bindparam("end_ms"),
        sessions.c.last_at_ms >= bindparam("since_ms"),
    )
)
_DELETE_SUGGESTIONS = suggestions.delete().where(
    of_repository(suggestions),
    suggestions.c.tool == bindparam("of_tool"),
    suggestions.c.session_id == bindparam("of_session"),
)


def run_before(connection: Connection, key: PullKey, comment_ids: Collection[int]) -> set[int]:
    """Those of the comments whose commands were run or refused already."""
    return {row.comment_id for row in rows_in(connection, _RUN, key.params, "comment_ids", comment_ids)}


def save_command(database: Database, connection: Connection, key: PullKey, comment_id: int, **command: object) -> None:
    """Store who gave which command when, and what came of it. Once: a comment is run a single time."""
    row = key._asdict() | {"comment_id": comment_id, "is_answered": False} | command
    connection.execute(database.insert(commands).values(row))


def save_corrections(
    database: Database, connection: Connection, key: PullKey, comment_id: int, facts: Sequence[Correction]
) -> None:
    values = [
        key.repository._asdict()
        | {"comment_id": comment_id, "position": i, "tool": correction.tool, "session_id": correction.session_id}
        | {"facts": msgspec.json.encode(correction).decode()}
        for i, correction in enumerate(facts)
    ]
    if values:
        connection.execute(database.insert(corrections), values)


def unanswered(connection: Connection, key: PullKey) -> list[CommandRow]:
    return rows(CommandRow, connection, _UNANSWERED, key.params)


def note_edit(connection: Connection, key: PullKey, comment_id: int, lines: str, hint: str) -> None:
    """Somebody corrects a command that was refused: it is answered again, with the hint."""
    is_refused = (commands.c.problem != "") & ~commands.c.problem.endswith(hint, autoescape=True)
    refusal = update(commands).where(_OF_COMMENT, commands.c.lines != lines, is_refused)
    answer = refusal.values(problem=commands.c.problem + f"; {hint}", is_answered=False)
    connection.execute(answer, key.params | {"of_comment": comment_id})


def answer(connection: Connection, key: PullKey, comment_id: int) -> None:
    connection.execute(_ANSWER, key.params | {"of_comment": comment_id})


def corrections_of(connection: Connection, key: RepositoryKey, session_ids: Collection[str]) -> list[Correction]:
    """The corrections of sessions, by the tools' ids: of several tools where they give the same."""
    decode = msgspec.json.Decoder(Correction).decode
    return [decode(row.facts) for row in rows_in(connection, _CORRECTIONS, key.params, "session_ids", session_ids)]


def save_suggestions(
    database: Database,
    connection: Connection,
    key: RepositoryKey,
    near: Mapping[SessionKey, Mapping[tuple[int, Evidence], Suggestion]],
) -> set[int]:
    """The suggestions of sessions, by pull request, in place of those before. Returns the pull requests where they differ."""
    before: dict[SessionKey, dict[tuple[int, Evidence], Suggestion]] = {}
    for row in rows_named(connection, _SUGGESTIONS_OF_SESSIONS, key.params, near):
        before.setdefault((row.tool, row.session_id), {})[row.number, Evidence(row.evidence)] = _suggestion(row)
    numbers: set[int] = set()
    for session, after in near.items():
        current = before.get(session, {})
        if current == after:
            continue
        numbers |= {place[0] for place in current.keys() | after.keys() if current.get(place) != after.get(place)}
        connection.execute(_DELETE_SUGGESTIONS, key.params | {"of_tool": session[0], "of_session": session[1]})
        values = [
            key._asdict()
            | {
                "number": number, "tool": suggestion.tool, "session_id": session[1], "list_micros": suggestion.cost.list_micros,
                "reported_micros": suggestion.cost.reported_micros,
                "requests": suggestion.cost.requests, "unpriced_requests": suggestion.cost.unpriced_requests, "why": suggestion.why,
                "evidence": evidence.value,
            }
            for (number, evidence), suggestion in sorted(after.items())
        ]  # fmt: skip
        if values:
            connection.execute(database.insert(suggestions), values)
    return numbers


def suggested_to(connection: Connection, key: PullKey) -> list[Suggestion]:
    """Unattributed work that may belong to a pull request, and what of it is unconfirmed, the most money first."""
    suggestions = [_suggestion(row) for row in connection.execute(_SUGGESTIONS, key.params)]
    return sorted(suggestions, key=_most_first)


def unconfirmed_without_pull(
    connection: Connection, key: RepositoryKey, since_ms: int, end_ms: int
) -> list[Suggestion]:
    """What looks invented in sessions of that time and belongs to no pull request, the most money first."""
    times = {"since_ms": since_ms, "end_ms": end_ms}
    rows = connection.execute(_WITHOUT_PULL, key.pull(NO_PULL).params | times)
    return sorted(map(_suggestion, rows), key=_most_first)


def _most_first(suggestion: Suggestion) -> tuple[int, str]:
    return -suggestion.cost.priced_micros, suggestion.short_id


def _suggestion(row: Row[Any]) -> Suggestion:
    return Suggestion(
        short_id=short_id(row.tool, row.session_id),
        tool=row.tool,
        cost=Cost(row.list_micros, row.requests, row.unpriced_requests, row.reported_micros),
        why=row.why,
        evidence=Evidence(row.evidence),
    )
