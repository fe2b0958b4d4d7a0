"""The worker's thread: it ends when it is stopped, and a database that is away does not end it."""

import asyncio
import logging

import httpx
import pytest
from sqlalchemy import text

from bot.context import Outside
from bot.dispatcher import run_forever
from bot.repository_settings import OperatorSettings
from bot.runner import Runner
from bot.settings import Settings
from tests.github.fake import FakeGitHub
from tests.patience import DEADLOCK_SECONDS
from tests.server import CREDENTIALS, NOON


@pytest.mark.parametrize("time", range(10))
def test_a_stop_right_after_the_start_ends_the_worker(database, tmp_path, time):
    settings = Settings(data_dir=tmp_path, database_url="(given)", public_url="https://mergecost.example")
    outside = Outside(github_transport=httpx.ASGITransport(FakeGitHub(lambda: NOON).app))
    runner = Runner(settings, OperatorSettings(), database, lambda: NOON, outside)
    runner.start(CREDENTIALS)
    assert runner.stop(DEADLOCK_SECONDS)
    assert runner.stop(), "twice is once"


def test_a_database_that_is_away_is_waited_for(world):
    world.open_pull(12, "feat/x")
    stopped, wake = asyncio.Event(), asyncio.Event()

    class BackWhenMissed(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            rename("away", "job")
            stopped.set()
            wake.set()

    def rename(old: str, new: str) -> None:
        with world.database.write() as connection:
            connection.execute(text(f"ALTER TABLE {old} RENAME TO {new}"))

    rename("job", "away")
    handler = BackWhenMissed()
    logging.getLogger("bot.dispatcher").addHandler(handler)
    asyncio.run(run_forever(world.bots[0], stopped, wake))
    logging.getLogger("bot.dispatcher").removeHandler(handler)

    world.settle()
    world.work("09:00 feat/x $2.50")
    world.settle()
    assert "This change" in world.comment(12)
