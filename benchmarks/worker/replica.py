"""One replica's worker, without the HTTP side: `python -m benchmarks.worker.replica DATABASE_URL GITHUB_URL [unpaced]`, until its
input ends. `unpaced` writes as fast as it can: GitHub's limits for an account would hide how replicas get on with each other.

It prints its CPU seconds at the end.
"""

import sys
import tempfile
import time
from pathlib import Path

from sqlalchemy import Connection, update

from bot.clock import system_clock
from bot.context import Outside
from bot.repository_settings import OperatorSettings
from bot.runner import Runner
from bot.settings import AppCredentials, Settings
from bot.store import accounts as account_store
from bot.store.database import Database
from tests.github.accounts import private_key

# A check run would be a second write for each comment.
OPERATOR = OperatorSettings(defaults={"check": False})
_take_turn = account_store.take_write_turn


def main() -> int:
    database_url, github_url, *options = sys.argv[1:]
    if options:
        account_store.take_write_turn = _take_turn_at_once
    folder = Path(tempfile.mkdtemp(prefix="mergecost-replica-"))
    settings = Settings(
        data_dir=folder, database_url=database_url, public_url=github_url, github_url=github_url,
        api_url=f"{github_url}/api/v3",
    )  # fmt: skip
    database = Database(database_url)
    runner = Runner(settings, OPERATOR, database, system_clock, Outside())
    credentials = AppCredentials(app_id=1, slug="mergecost", private_key=private_key(0), webhook_secret="secret")
    start = time.process_time()
    runner.start(credentials)
    sys.stdin.read()
    cpu_seconds = time.process_time() - start
    runner.stop()
    print(cpu_seconds)
    return 0


def _take_turn_at_once(connection: Connection, account_id: int, now_ms: int, _pause_ms: int) -> None:
    """With the same row locked as ever."""
    assert _take_turn(connection, account_id, now_ms, 0) is None
    of_account = account_store.accounts.c.account_id == account_id
    connection.execute(
        update(account_store.accounts).where(of_account).values(next_write_at_ms=0, writes_spread_until_ms=0)
    )


if __name__ == "__main__":
    sys.exit(main())
