"""Where the attacks happen: a server as a process, a GitHub in this one, one account under attack and another that is watched."""

import contextlib
import json
import re
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Event as Stop
from pathlib import Path

import httpx
import msgspec
from starlette.applications import Starlette
from starlette.routing import Mount

from attribution.usage import Context, ContextSource, Tokens, Usage, Work
from bot.clock import from_ms, system_clock
from bot.store import accounts as account_store
from bot.store.database import Database
from tests.github.deliveries import request_of
from tests.github.fake import FakeGitHub
from tests.github.state import Repository
from tests.processes import MergecostProcess, serving_asgi

PULLS = 8
_OPERATOR = "[defaults]\nsettle_seconds = 1\ncheck = false\ncomment_on_public = true\n"
_NAN = b"budget_pull_usd: .nan\nbudget_week_usd: .inf\nbudget_month_usd: 1:30.5\nsettle_seconds: 2026-01-01\n"
_MERGE_KEYS = b"".join(b"a%d: &a%d\n  <<: [%s]\n" % (i, i, b", ".join([b"*a%d" % (i - 1)] * 9)) for i in range(1, 12))
_COST = re.compile(r"This change cost (?:at least )?\$([\d,]+\.\d\d)\*\*")


class Place:
    """`host` is a public repository, `nan` and `merge` have bad settings; `other` belongs to another account."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.database, self._folder = database, folder
        self.github = FakeGitHub(lambda: from_ms(system_clock()))
        self.app = self.github.add_app(
            "mergecost", self.github.add_user("maker", type="Organization"), single_files=[".github/mergecost.yml"],
            permissions={"metadata": "read", "pull_requests": "write", "issues": "write", "checks": "write", "single_file": "read"},
        )  # fmt: skip
        self.alice, self.mallory = self.github.add_user("alice"), self.github.add_user("mallory")
        attacked, watched = (self.github.add_user(name, type="Organization") for name in ("attacked", "watched"))
        self.host, self.nan, self.merge = (
            self.github.add_repository(attacked, name) for name in ("host", "nan", "merge")
        )
        self.other = self.github.add_repository(watched, "other")
        self.nan.files[".github/mergecost.yml"] = _NAN
        self.merge.files[".github/mergecost.yml"] = b"a0: &a0 {budget_pull_usd: 5}\n" + _MERGE_KEYS
        self.github.install(self.app, attacked, [self.host, self.nan, self.merge])
        self.github.install(self.app, watched, [self.other])
        self.github.publicize(self.host)
        self._lock = threading.Lock()
        self._sent = 0
        self._cents = dict.fromkeys(range(1, PULLS + 1), 0)
        for repository in (self.host, self.nan, self.merge, self.other):
            for number in range(1, PULLS + 1):
                self.open_pull(repository, number)

    def open_pull(self, repository: Repository, number: int, body: str = "") -> None:
        by = self.mallory if repository is self.host else self.alice
        commit = self.github.commit(f"Work {number}", author=by)
        self.github.open_pull(repository, f"feat/{number}", by, [commit], number=number, body=body)

    @contextlib.contextmanager
    def open(self, url: str) -> Iterator[None]:
        (self._folder / "settings.toml").write_text(_OPERATOR)
        with serving_asgi(Starlette(routes=[Mount("/api/v3", self.github.app)])) as github_url:
            environ = {
                "MERGECOST_DATA": tempfile.mkdtemp(dir=self._folder),
                "MERGECOST_DATABASE_URL": url,
                "MERGECOST_GITHUB_URL": github_url,
                "MERGECOST_SETTINGS": str(self._folder / "settings.toml"),
                "MERGECOST_APP_ID": str(self.app.id),
                "MERGECOST_APP_SLUG": self.app.slug,
                "MERGECOST_PRIVATE_KEY": self.app.private_key,
                "MERGECOST_WEBHOOK_SECRET": self.app.webhook_secret,
            }
            self.server = MergecostProcess(environ, self._folder / "server.log")
            try:
                self._wait()
                yield
            finally:
                self.server.kill()

    def _wait(self) -> None:
        """Until the server has read who installed its App."""
        while True:
            with self.database.read() as connection:
                accounts = account_store.all_accounts(connection)
            if len([account for account in accounts if account.installation_id]) == 2:
                break
            time.sleep(0.2)
        self._token = self.server.make_token(self.database, self.other.owner.id)
        self.token = self.server.make_token(self.database, self.host.owner.id)

    def deliver(self) -> None:
        """What GitHub has to say."""
        with self._lock:
            fresh, self._sent = self.github.deliveries[self._sent :], len(self.github.deliveries)
        with httpx.Client() as client:
            for delivery in fresh:
                headers, body = request_of(delivery, self.app.webhook_secret)
                with contextlib.suppress(httpx.HTTPError):
                    client.post(f"{self.server.url}/webhooks/github", content=body, headers=headers, timeout=10)

    def seconds_to_comment(self, turn: int) -> float:
        """From a push of the watched account's to its comment. Raises TimeoutError after two minutes."""
        number = turn % PULLS + 1
        self._cents[number] += 10
        start = time.monotonic()
        self.github.push(self.other, f"feat/{number}", [self.github.commit("More", author=self.alice)])
        self.deliver()
        self.send(self._token, [record("watched/other", f"feat/{number}", f"watched-{turn}", 20_000)])
        shown = f"{self._cents[number] / 100:,.2f}"
        while time.monotonic() - start < 120:
            bodies = [comment.body for comment in self.github.comments(self.other, number)]
            if any(match[1] == shown for body in bodies if (match := _COST.search(body))):
                return time.monotonic() - start
            time.sleep(0.05)
        raise TimeoutError

    def send(self, token: str, records: list[dict[str, object]]) -> None:
        """Until it is taken."""
        body, headers = json.dumps({"requests": records}), {"Authorization": f"Bearer {token}"}
        while True:
            with contextlib.suppress(httpx.HTTPError):
                if httpx.post(f"{self.server.url}/v1/usage", content=body, headers=headers, timeout=60).is_success:
                    return
            time.sleep(0.2)

    def memory_mb(self) -> float:
        status = Path(f"/proc/{self.server.process.pid}/status").read_text()
        return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) / 1024


def watch(url: str, stop: Stop, answers: "Queue[list[float]]") -> None:
    """How long `/healthz` took; a minute where it did not answer. An empty list says that it has begun."""
    times: list[float] = []
    with httpx.Client(timeout=60) as client:
        answers.put([])
        while not stop.is_set():
            start = time.monotonic()
            try:
                is_well = client.get(f"{url}/healthz").status_code == 200
            except httpx.HTTPError:
                is_well = False
            times.append(time.monotonic() - start if is_well else 60.0)
            time.sleep(0.02)
    answers.put(times)


def record(repository: str, branch: str, name: str, tokens: int) -> dict[str, object]:
    """One request of a session of that name; 20,000 tokens cost ten cents."""
    usage = Usage(
        tool="claude-code", session_id=name, request_id=name, at=datetime.now(UTC), model="claude-opus-5",
        tokens=Tokens(uncached_input=tokens), work=Work(),
        context=Context(source=ContextSource.LOG, repository=repository, branch=branch),
    )  # fmt: skip
    return json.loads(msgspec.json.encode(usage))


def percentile(values: list[float], part: float) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[int(part * 100) - 1] if len(values) > 1 else 0.0
