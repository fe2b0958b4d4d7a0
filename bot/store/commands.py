"""What people said in pull requests, in the database: commands, the corrections that they made, and what we suggest to link."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, select, tuple_, update

from attribution.evidence import Correction
from attribution.report import Suggestion, short_id
from bot.store.database import Database, table
from bot.store.sessions import SessionKey
from bot.store.tables import CommandRow, CorrectionRow, SuggestionRow

commands, corrections, suggestions = table(CommandRow), table(CorrectionRow), table(SuggestionRow)

PullKey = tuple[int, int, int]


def known_commands(connection: Connection, key: PullKey, comment_ids: Iterable[int]) -> set[int]:
    """Those of the comments whose commands were carried out or refused already."""
    mine = _of_pull(commands, key) & commands.c.comment_id.in_(list(comment_ids))
    return set(connection.execute(select(commands.c.comment_id).where(mine)).scalars())


def save_command(database: Database, connection: Connection, key: PullKey, comment_id: int, **said: object) -> None:
    """Keep who said what when, and what came of it. Once: a comment is obeyed a single time."""
    row = _keys(key) | {"comment_id": comment_id, "answered": False, "number": key[2]} | said
    connection.execute(database.insert(commands).values(row))


def save_corrections(
    database: Database, connection: Connection, key: PullKey, comment_id: int, found: Sequence[Correction]
) -> None:
    rows = [
        _keys(key) | {"comment_id": comment_id, "position": i, "facts": msgspec.json.encode(one).decode()}
        for i, one in enumerate(found)
    ]
    if rows:
        connection.execute(database.insert(corrections), rows)


def unanswered(connection: Connection, key: PullKey) -> Sequence[Row[Any]]:
    waiting = select(commands).where(_of_pull(commands, key), ~commands.c.answered)
    return connection.execute(waiting.order_by(commands.c.comment_id)).all()


def note_edit(connection: Connection, key: PullKey, comment_id: int, said: str, hint: str) -> None:
    """Somebody mends a command that was refused: it is answered again, with the hint."""
    mine = _of_pull(commands, key) & (commands.c.comment_id == comment_id) & (commands.c.said != said)
    refused = mine & (commands.c.problem != "") & ~commands.c.problem.endswith(hint, autoescape=True)
    connection.execute(update(commands).where(refused).values(problem=commands.c.problem + f"; {hint}", answered=False))


def answered(connection: Connection, key: PullKey, comment_id: int) -> None:
    mine = _of_pull(commands, key) & (commands.c.comment_id == comment_id)
    connection.execute(update(commands).where(mine).values(answered=True))


def all_corrections(connection: Connection, installation_id: int, repository_id: int) -> list[Correction]:
    mine = (corrections.c.installation_id == installation_id) & (corrections.c.repository_id == repository_id)
    decode = msgspec.json.Decoder(Correction).decode
    return [decode(facts) for facts in connection.execute(select(corrections.c.facts).where(mine)).scalars()]


def save_suggestions(
    database: Database,
    connection: Connection,
    repository: tuple[int, int],
    found: Mapping[SessionKey, Mapping[int, Suggestion]],
) -> set[int]:
    """The suggestions of sessions, by pull request, in place of those before. Returns the pull requests where they differ."""
    mine = (suggestions.c.installation_id == repository[0]) & (suggestions.c.repository_id == repository[1])
    ours = mine & tuple_(suggestions.c.tool, suggestions.c.session_id).in_(list(found))
    before: dict[SessionKey, dict[int, Suggestion]] = {}
    for row in connection.execute(select(suggestions).where(ours)) if found else ():
        before.setdefault((row.tool, row.session_id), {})[row.number] = _suggestion(row)
    differ: set[int] = set()
    for session, after in found.items():
        held = before.get(session, {})
        if held == after:
            continue
        differ |= {number for number in held.keys() | after.keys() if held.get(number) != after.get(number)}
        same = (suggestions.c.tool == session[0]) & (suggestions.c.session_id == session[1])
        connection.execute(suggestions.delete().where(mine, same))
        rows = [
            {
                "installation_id": repository[0], "repository_id": repository[1], "number": number, "tool": one.tool,
                "session_id": session[1], "requests": one.requests, "micros": one.micros, "why": one.why,
            }
            for number, one in sorted(after.items())
        ]  # fmt: skip
        if rows:
            connection.execute(database.insert(suggestions), rows)
    return differ


def suggested_to(connection: Connection, key: PullKey) -> list[Suggestion]:
    """Unattributed work that may belong to a pull request, the most money first."""
    mine = _of_pull(suggestions, key)
    found = [_suggestion(row) for row in connection.execute(select(suggestions).where(mine))]
    return sorted(found, key=lambda one: (-(one.micros or 0), one.short_id))


def _suggestion(row: Row[Any]) -> Suggestion:
    return Suggestion(
        short_id=short_id(row.tool, row.session_id),
        tool=row.tool,
        requests=row.requests,
        micros=row.micros,
        why=row.why,
    )


def _keys(key: PullKey) -> dict[str, Any]:
    return {"installation_id": key[0], "repository_id": key[1]}


def _of_pull(columns: Any, key: PullKey) -> Any:
    mine = (columns.c.installation_id == key[0]) & (columns.c.repository_id == key[1])
    return mine & (columns.c.number == key[2])
