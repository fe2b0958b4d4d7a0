"""The work does not grow with the past: every piece of a pull request's story reads as much in a repository that has existed for
twice as long."""

from datetime import timedelta
from pathlib import Path

from benchmarks.growth.story import Effort, Story, with_past
from benchmarks.reads import counted
from bot.work.queue import Kind
from tests.databases import Databases, open_database
from tests.world import World

DAY = timedelta(days=1)
# None of them belongs to a pull request, issue, week or session, or only with a setting.
ELSEWHERE = {Kind.ALERT_COMMENT, Kind.TIME_ZONE, Kind.RETENTION}


def efforts_after(days: int, databases: Databases, folder: Path) -> dict[str, list[Effort]]:
    """Of a story in a repository that had a pull request on each of so many days."""
    with open_database(databases.url(databases.copy())) as database, World(database, folder) as world:
        with_past(world, days, DAY)
        with counted(database) as reads:
            story = Story(world, reads)
            story.tell()
            story.end()
    return story.efforts


def test_no_piece_of_work_reads_more_after_a_longer_past(sqlite_databases: Databases, tmp_path: Path):
    """Rows that statements return, and instructions that SQLite carries out: to pass over a row takes at least one."""
    # More than any line of weeks, forecast or comparison looks back, and the same people and days of the week in both.
    short, long = (efforts_after(days, sqlite_databases, tmp_path) for days in (240, 480))
    assert {kind for kind in Kind if any(name.startswith(f"{kind}, ") for name in short)} == {*Kind} - ELSEWHERE
    assert short.keys() == long.keys()
    for name, efforts in short.items():
        after_long = long[name]
        assert [(e.statements, e.rows) for e in efforts] == [(e.statements, e.rows) for e in after_long], name
        # Where a range ends in an index, the next row may be looked at.
        more = [b.steps - a.steps for a, b in zip(efforts, after_long, strict=True)]
        assert max(more) < 100, f"{name}: {more} instructions more"
