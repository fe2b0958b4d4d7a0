"""Whatever the server does, an index answers: no statement of a story reads a whole table that grows, or all of an account in it.

On SQLite, whose plans do not depend on how much there is."""

from pathlib import Path

import pytest
from sqlalchemy import text

from attribution.report import short_id
from benchmarks.plans import collected, whole_reads
from bot.clock import DAY_MS, to_ms
from bot.keys import PullKey, Sender
from bot.store import ledger_history
from bot.store import tokens as token_store
from bot.take_back import take_back
from tests.databases import Databases, Worlds
from tests.notation import MONDAY
from tests.world import World


@pytest.fixture
def world(sqlite_databases: Databases, tmp_path: Path):
    with Worlds(sqlite_databases, tmp_path) as worlds:
        yield worlds.world()


def a_week(world: World) -> None:
    """Work, pull requests with a correction and a revert, an issue, budgets, alerts, a transfer of nothing, and a Monday."""
    world.settings_file("budget_pull_usd: 2\nbudget_week_usd: 3\nbudget_month_usd: 9")
    bug = world.open_issue("Clients hammer the ingest API", ["bug"])
    world.work("Mon 09:00 feat/limit $2.50 edits a.py\nMon 10:00 feat/limit $1.50 commits 1f2e3d4")
    world.open_pull(12, "feat/limit", "1f2e3d4", title="Rate limit the ingest API", body=f"Fixes #{bug}")
    world.work("Tue 09:00 fix/retry $1.10\nTue 09:10 fix/retry $31.00", "s2", "codex", by="bob")
    world.open_pull(13, "fix/retry", title="Retry on 503", by="bob")
    world.settle()
    world.say(12, f"/mergecost link {short_id('codex', 's2')} #12 because it was for it")
    world.settle()
    world.merge(12)
    world.close_issue(bug)
    world.merge(13)
    world.open_pull(15, "revert-13", title='Revert "Retry on 503"', body="Reverts acme/widgets#13")
    world.settle()
    # A copy of the log, whose branch another source knows better, and a whole night.
    world.work("Mon 09:00 feat/limit $2.50 edits a.py\nMon 09:30 feat/limit $1.00")
    world.settle()
    world.now_ms = to_ms(MONDAY) + 7 * DAY_MS + 6 * 3_600_000
    world.tick()
    world.settle()


def reads(world: World) -> None:
    """What people and programs ask."""
    for path in (
        *(f"/costs?by={by}" for by in ("repository", "pull", "issue", "label", "tool", "model", "stage", "day")),
        "/repositories/acme/widgets/pulls/12",
        "/repositories/acme/widgets/weeks/2026-W47",
    ):
        assert world.read(path).status_code == 200, path
    with world.database.read() as connection:
        ledger_history.history_of_pull(connection, PullKey(world.org.id, world.repository.id, 12))
        assert list(ledger_history.batches(connection, world.org.id, 1))


# What another change is about to put right.
KNOWN = (
    "SELECT session.tool, session.session_id FROM session WHERE session.account_id = ? AND session.repository_id = ?",
)


def test_no_statement_of_a_story_reads_a_growing_table_whole(world: World):
    with collected(world.database) as statements:
        a_week(world)
        reads(world)
    assert len(statements) > 100
    reads_whole = [read for read in whole_reads(world.database, statements) if not read.endswith(KNOWN)]
    assert not reads_whole, "\n".join(reads_whole)


def test_taking_back_what_a_token_sent_reads_no_growing_table_whole(world: World):
    world.open_pull(12, "feat/a", "1f2e3d4")
    world.work("09:00 feat/a $1.00\n09:10 feat/a $1.00 commits 1f2e3d4")
    world.settle()
    with world.database.read() as connection:
        (token,) = token_store.all_tokens(connection)
    with collected(world.database) as statements:
        taken = take_back(
            world.database, world.bots[0].operator, world.clock, Sender(world.org.id, token.sender, token.token_id)
        )
    assert (taken.cost.requests, taken.pulls) == (2, 1)
    assert whole_reads(world.database, statements) == []


def test_a_statement_that_no_index_answers_is_named(world: World):
    with collected(world.database) as statements, world.database.read() as connection:
        connection.execute(text("SELECT count(*) FROM charge WHERE list_micros > 5"))
        connection.execute(text("SELECT * FROM pull WHERE account_id = 5 AND repository_id = 7 AND skip = ''"))
        connection.execute(text("SELECT * FROM pull WHERE account_id = 5 AND repository_id = 7 AND number = 12"))
    assert [read.partition(" USING")[0].partition(":")[0] for read in whole_reads(world.database, statements)] == [
        "SCAN charge",
        "SEARCH pull",
    ]
