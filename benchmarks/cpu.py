"""CPU time of this process, and of the server's that work for it."""

import time
from collections.abc import Callable
from pathlib import Path

from bot.store.database import Database


def cpu_seconds_of(database: Database) -> Callable[[], float]:
    """How much this process and PostgreSQL's for its connections have used by now. Those that were opened later are not counted."""
    if not database.is_postgresql:
        return time.process_time
    with database.read() as connection:
        rows = connection.exec_driver_sql(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend'"
        )
        # https://docs.kernel.org/scheduler/sched-stats.html: nanoseconds on the CPU first
        paths = [Path(f"/proc/{pid}/schedstat") for (pid,) in rows]
    return lambda: time.process_time() + sum(int(path.read_text().split()[0]) for path in paths if path.exists()) / 1e9
