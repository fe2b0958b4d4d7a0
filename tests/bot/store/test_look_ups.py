"""What commands, settings and machines look up is found by index: the work does not grow with the repository's past."""

from datetime import timedelta

import msgspec
import pytest
from sqlalchemy import Connection

from attribution.cost import Cost
from attribution.evidence import Evidence
from attribution.outcome import Details
from attribution.report import Suggestion, short_id
from attribution.usage import Context
from bot.clock import to_ms
from bot.keys import RepositoryKey
from bot.store import commands as command_store
from bot.store import pulls as pull_store
from bot.store import sessions as session_store
from bot.store.database import Database
from tests.bot.store.test_bounded_reads import DAY, CountedConnection, History, instructions, pull_of, save
from tests.notation import MONDAY, session

REPOSITORY = 34
SUGGESTION = Suggestion(short_id="", tool="claude-code", cost=Cost(1, 1, 0), why="near")


def fill(database: Database, connection: Connection, key: RepositoryKey, old: int) -> None:
    """So many pull requests of years ago, a session and a suggestion each, and a few new ones, of which one is open."""
    numbers = range(1000, 1000 + old)
    pulls = [pull_of(number, -900 * DAY, -899 * DAY) for number in numbers] + [
        pull_of(1, -DAY),
        pull_of(2, -DAY, -DAY / 2),
    ]
    history = History([(pull, Details()) for pull in pulls], [], [])
    save(database, connection, key, history)
    (usage,) = session("09:00 b $1.00")
    sessions = [msgspec.structs.replace(usage, session_id=f"s{number}", context=Context()) for number in (1, *numbers)]
    session_store.save_sessions(connection, key.account_id, [(REPOSITORY, usage) for usage in sessions], 0)
    near = {("claude-code", f"s{number}"): {(number, Evidence.NONE): SUGGESTION} for number in (1, *numbers)}
    command_store.save_suggestions(database, connection, key, near)


def look_up(database: Database, connection: Connection, key: RepositoryKey, what: str) -> int:
    """How many are found."""
    match what:
        case "session by its id":
            return len(session_store.by_name(connection, key, "s1"))
        case "session by its short id":
            return len(session_store.by_name(connection, key, short_id("claude-code", "s1")))
        case "suggestions of a session":
            return len(command_store.save_suggestions(database, connection, key, {("claude-code", "s1"): {}}))
        case "open pulls":
            return len(pull_store.open_pulls(connection, key))
        case _:
            since_ms = to_ms(MONDAY - timedelta(days=30))
            return len([*pull_store.pulls_not_closed_before(connection, key, since_ms)])


@pytest.mark.parametrize(
    "what",
    ["session by its id", "session by its short id", "suggestions of a session", "open pulls", "recent pulls"],
)
def test_the_past_is_not_read(database: Database, what: str):
    """Rows that the database returns, and on SQLite the instructions that it carries out, too."""
    reads: list[tuple[int, int, int]] = []
    with database.write() as connection:
        for account_id, old in ((5, 20), (6, 400)):
            key = RepositoryKey(account_id, REPOSITORY)
            fill(database, connection, key, old)
            counted = CountedConnection(connection)
            with instructions(connection) as steps:
                number = look_up(database, counted, key, what)  # type: ignore[arg-type]
            reads.append((number, counted.rows, next(steps)))
    (number_of_20, rows_of_20, steps_of_20), (number_of_400, rows_of_400, steps_of_400) = reads
    assert number_of_20 == number_of_400 == (2 if what == "recent pulls" else 1)
    assert rows_of_20 == rows_of_400
    assert steps_of_400 - steps_of_20 < 20
