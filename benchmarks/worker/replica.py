"""One replica's worker, without the HTTP side: `python -m benchmarks.worker.replica DATABASE_URL GITHUB_URL`, until its input ends.

It prints its CPU seconds at the end.
"""

import sys
import tempfile
import time
from pathlib import Path

from bot.clock import system_clock
from bot.context import Outside
from bot.repository_settings import OperatorSettings
from bot.runner import Runner
from bot.settings import AppCredentials, Settings
from bot.store.database import Database
from tests.github.accounts import private_key

# A check run would be a second write for each comment.
OPERATOR = OperatorSettings(defaults={"check": False})


def main() -> int:
    database_url, github_url = sys.argv[1:]
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


if __name__ == "__main__":
    sys.exit(main())
