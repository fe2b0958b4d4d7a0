"""The verbs of a story: people work on GitHub, sessions arrive, the real app answers, and the comments are looked at.

    world.open_pull(12, "feat/x", "1f2e3d4")
    world.work("09:00 feat/x $1.00")
    world.settle()
    assert "$1.00" in world.comment(12)

Deliveries reach the app as they happen; `world.hold_mail` keeps them back. Time stands still unless moved; `settle` moves it to
whenever the next piece of work is due.
"""

import asyncio
import json
import pickle
import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
import msgspec

from attribution.identity import author
from attribution.ledger import Share
from attribution.usage import Usage
from bot import ticker
from bot.cli import report as report_command
from bot.clock import from_ms, to_ms
from bot.context import Bot, Outside
from bot.github.client import GitHubApp
from bot.ledger_check import broken_promises
from bot.repository_settings import OperatorSettings
from bot.settings import AppCredentials, Settings
from bot.store import accounts as account_store
from bot.store import ledger_history, recount
from bot.store import repositories as repository_store
from bot.store import tokens as token_store
from bot.store.database import Database
from bot.store.tables import Token
from bot.work import queue
from bot.worker import run_due
from tests.channel import Channel
from tests.git_facts import with_git_facts
from tests.github.accounts import PERMISSIONS
from tests.github.deliveries import request_of
from tests.github.fake import FakeGitHub
from tests.github.state import CheckRun, Comment, Commit, Delivery, Issue, Repository, User
from tests.notation import session, take_time
from webhooks.server import create_app

DAY_MS = 24 * 3_600_000
# What a world has open. A copy opens its own.
LIVE = {"database", "bots", "_settings", "_server", "_loop"}


class World:
    """One App on one organization's repository `acme/widgets`, with its server."""

    def __init__(
        self, database: Database, folder: Path, *, operator: OperatorSettings | None = None, now_ms: int = 0
    ) -> None:
        self.now_ms = now_ms or to_ms(take_time(["Mon", "08:00"]))
        self.github = FakeGitHub(self._now)
        self.org = self.github.add_user("acme", type="Organization")
        self.alice = self.github.add_user("alice")
        self.app = self.github.add_app(
            "mergecost",
            self.org,
            permissions={**PERMISSIONS, "single_file": "read"},
            single_files=[".github/mergecost.yml"],
        )
        self.repository = self.github.add_repository(self.org, "widgets")
        self.repository.collaborators["alice"] = "write"
        self.commits: dict[str, Commit] = {}
        self.channel = Channel()
        self.mail: list[Delivery] | None = None
        self.read_token: str | None = None
        self._delivery_count = 0
        self._credentials = AppCredentials(
            app_id=self.app.id,
            slug=self.app.slug,
            private_key=self.app.private_key,
            webhook_secret=self.app.webhook_secret,
        )
        self._operator = operator or OperatorSettings()
        self.installation = self.github.install(self.app, self.org, [self.repository])
        self._open(database, folder)
        self.deliver()
        self.settle()
        with database.write() as connection:
            self.token = token_store.new(connection, self.org.id, "a laptop", self.now_ms)

    def _open(self, database: Database, folder: Path) -> None:
        """Start what lives in a process: the server, the bot and their loop."""
        self.database = database
        self._settings = Settings(data_dir=folder, database_url="(given)", public_url="https://mergecost.example")
        outside = Outside(github_transport=httpx.ASGITransport(self.github.app))
        self._server = create_app(
            self._settings, database, self._credentials, operator=self._operator, clock=self.clock, outside=outside
        )
        self._loop = asyncio.Runner()
        self.bots = [self.run(self._start())]

    def __getstate__(self) -> dict[str, Any]:
        """The story so far, without what lives in a process. `resume` goes on from it."""
        return {name: value for name, value in vars(self).items() if name not in LIVE}

    @classmethod
    def resume(cls, story: bytes, database: Database, folder: Path) -> Self:
        """A copy of a pickled world, on a copy of its database."""
        world = pickle.loads(story)  # noqa: S301
        assert isinstance(world, cls)
        world._open(database, folder)
        return world

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for bot in self.bots:
            self.run(bot.github.__aexit__())
        self._loop.close()

    @property
    def app_of_server(self) -> Any:
        """The server as an ASGI app, for those who speak to it over a real socket."""
        return self._server

    def clock(self) -> int:
        return self.now_ms

    def _now(self) -> datetime:
        return from_ms(self.now_ms)

    # Time

    def at(self, when: str) -> None:
        """Move to a time of the story's week: `Tue 09:00`. Never back."""
        self.now_ms = max(self.now_ms, to_ms(take_time(when.split())))

    def settle(self) -> None:
        """Let the bot work until nothing is wanted, waiting for whatever is due within a day."""
        limit_ms = self.now_ms + DAY_MS
        while self.now_ms <= limit_ms:
            if self.run(run_due(self.bots[0])) == 0:
                with self.database.read() as connection:
                    due = queue.next_due_at_ms(connection)
                if due is None or due > limit_ms:
                    return
                self.now_ms = max(self.now_ms, due)
            self.deliver()
        raise AssertionError("a day of work and no end")

    def sweep(self) -> None:
        """The hourly look at everything."""
        with self.database.write() as connection:
            queue.request(connection, [ticker.SWEEP], self.now_ms)
        self.settle()

    def tick(self) -> None:
        """The minute's look of every replica at what is due, and the work that follows."""
        for bot in self.bots:
            self.schedule_tick(bot)
        self.settle()

    def schedule_tick(self, bot: Bot) -> None:
        ticker.tick(self.database, bot.operator, self.clock)

    # On GitHub

    def commit(self, sha: str, by: str = "alice", **details: Any) -> Commit:
        """A commit whose id begins like that, made now or `at`; pushed or not."""
        self.commits[sha] = self.github.commit(
            f"Commit {sha}", author=self.person(by), sha=sha.ljust(40, "0"), **details
        )
        return self.commits[sha]

    def open_pull(self, number: int, branch: str, commits: str = "", by: str = "alice", **details: Any) -> None:
        """Commits as `1f2e3d4:a.py+b.py,5a6b7c8`: what they change may be left out."""
        repository = details.pop("repository", self.repository)
        commits_of_pull = self._commits(commits or f"{number:07x}", by)
        self.github.open_pull(repository, branch, self.person(by), commits_of_pull, number=number, **details)
        self.deliver()

    def push(self, branch: str, commits: str, by: str = "alice", *, force: bool = False) -> None:
        push = self.github.force_push if force else self.github.push
        push(self.repository, branch, self._commits(commits, by))
        self.deliver()

    def person(self, login: str) -> User:
        """Known or new, and then without any access."""
        return self.github.users.get(login) or self.github.add_user(login)

    def _commits(self, text: str, by: str) -> list[Commit]:
        commits: list[Commit] = []
        for part in text.split(","):
            sha, _, paths = part.partition(":")
            if part in self.commits:
                commits.append(self.commits[part])
                continue
            files = dict.fromkeys(paths.split("+"), (1, 0)) if paths else None
            commits.append(self.commit(sha, by, files=files))
        return commits

    def merge(self, number: int, method: str = "squash") -> None:
        self.github.merge(self.repository, number, method)
        self.deliver()

    def close(self, number: int) -> None:
        self.github.close(self.repository, number)
        self.deliver()

    def say(self, number: int, body: str, by: str = "alice") -> Comment:
        """A person comments on a pull request."""
        comment = self.github.comment(self.repository, number, body, self.person(by))
        self.deliver()
        return comment

    def settings_file(self, text: str) -> None:
        """The repository's own settings, which are read again after a while."""
        self.repository.files[".github/mergecost.yml"] = text.encode()
        self.now_ms += 10 * 60_000

    def open_issue(self, title: str, labels: Sequence[str] = (), by: str = "alice") -> int:
        issue = self.github.open_issue(self.repository, title, self.person(by), labels=labels)
        self.deliver()
        return issue.number

    def close_issue(self, number: int) -> None:
        self.github.close_issue(self.repository, number)
        self.deliver()

    def weeks(self, repository: Repository | None = None) -> list[Issue]:
        """Our weekly issues, oldest first."""
        issues = (repository or self.repository).issues.values()
        return [issue for issue in issues if (issue.body or "").startswith("<!-- mergecost week ")]

    def comments(self, number: int, repository: Repository | None = None) -> list[str]:
        """Everything said on a pull request, without our marker."""
        comments = self.github.comments(repository or self.repository, number)
        return [comment.body.partition(" -->\n")[2] or comment.body for comment in comments]

    def comment(self, number: int) -> str:
        """Our one comment on a pull request, whatever people say around it."""
        comments = self.github.comments(self.repository, number)
        (ours,) = [comment.body for comment in comments if comment.body.startswith("<!-- mergecost pull ")]
        return ours.partition(" -->\n")[2]

    def replies(self, number: int) -> list[str]:
        """What we answered to people."""
        comments = self.github.comments(self.repository, number)
        return [
            comment.body.partition(" -->\n")[2]
            for comment in comments
            if comment.body.startswith("<!-- mergecost reply-")
        ]

    def check(self, number: int) -> tuple[str, str, str]:
        """Conclusion, title and summary of our one check run on a pull request's head commit."""
        run = self.check_run(number)
        assert run.status == "completed"
        return run.conclusion or "", run.output["title"], run.output["summary"]

    def check_run(self, number: int) -> CheckRun:
        pull = self.github.pull(self.repository, number)
        (run,) = self.github.check_runs(self.repository, pull.head_sha)
        return run

    def press(self, number: int, by: str = "alice") -> None:
        """A person presses *Approve* in our check run."""
        self.github.press(self.repository, self.check_run(number), "approve", self.person(by))
        self.deliver()

    def writes(self) -> int:
        """How many times anything was changed on GitHub, by anybody through the API."""
        return len(self.github.writes())

    # Between GitHub, developers and the app

    def deliver(self) -> None:
        """Hand over what GitHub has to say, unless the mail is kept back."""
        fresh, self._delivery_count = self.github.deliveries[self._delivery_count :], len(self.github.deliveries)
        if self.mail is not None:
            self.mail += fresh
            return
        for delivery in fresh:
            self.post(delivery)

    @contextmanager
    def hold_mail(self) -> Iterator[list[Delivery]]:
        """Within, deliveries pile up; after, they arrive as the list then says."""
        self.mail = []
        yield self.mail
        arriving, self.mail = self.mail, None
        for delivery in arriving:
            self.post(delivery)

    def post(self, delivery: Delivery) -> None:
        headers, body = request_of(delivery, self.app.webhook_secret)
        answer = self.send("POST", "/webhooks/github", headers=headers, content=body)
        self.github.record_answer(delivery, answer.status_code)
        assert answer.status_code == 202, answer.text

    def work(
        self,
        text: str,
        session_id: str = "s1",
        tool: str = "claude-code",
        repository: str = "acme/widgets",
        by: str = "alice",
    ) -> None:
        """A session in text notation arrives from a person's machine."""
        usages = session(text, session_id, tool, repository, author(self.person(by).email))
        self.send_usage(with_git_facts(usages, self.commits))

    def send_at(self, branch: str, dollars: float, session_id: str = "now") -> None:
        """A request that is made at this moment."""
        (usage,) = session(f"09:00 {branch} ${dollars:.2f}", f"{session_id}-{self.now_ms}")
        self.send_usage([msgspec.structs.replace(usage, at=from_ms(self.now_ms))])

    @contextmanager
    def sending_as(self, name: str) -> Iterator[None]:
        """Within, usage comes with a token of another sender."""
        before = self.token
        with self.database.write() as connection:
            self.token = token_store.new(connection, self.org.id, name, self.now_ms)
        yield
        self.token = before

    def tokens(self) -> list[Token]:
        """Every token of the server, oldest first."""
        with self.database.read() as connection:
            return token_store.all_tokens(connection)

    def end_token(self, token: str) -> None:
        """Whoever holds it ends it."""
        answer = self.send("DELETE", "/v1/token", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 200, answer.text

    def send_usage(self, usages: Sequence[Usage]) -> dict[str, Any]:
        receipt = self.post_usage(usages)
        assert receipt["refused"] == []
        return receipt

    def post_usage(self, usages: Sequence[Usage]) -> dict[str, Any]:
        """What became of each request, some of which may be refused."""
        body = {"requests": [json.loads(msgspec.json.encode(usage)) for usage in usages]}
        # A request was made before it is sent.
        self.now_ms = max(self.now_ms, *(to_ms(usage.at) for usage in usages))
        answer = self.send("POST", "/v1/usage", json=body, headers={"Authorization": f"Bearer {self.token}"})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def read(self, path: str, **params: Any) -> httpx.Response:
        """What a program with a read token sees below /api/v1."""
        if self.read_token is None:
            with self.database.write() as connection:
                self.read_token = token_store.new(connection, self.org.id, "a dashboard", self.now_ms, "read")
        headers = {"Authorization": f"Bearer {self.read_token}"}
        return self.send("GET", f"/api/v1{path}", params=params or None, headers=headers)

    def report(self, *words: str) -> str:
        """What `mergecost report` with these words prints on the server."""
        bot, options = self.bots[0], report_command._parser().parse_args(words)
        with self.database.read() as connection:
            return report_command.report(connection, bot.operator, options, self.now_ms, bot.settings.how_url)

    def send(self, method: str, path: str, **options: Any) -> httpx.Response:
        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(self._server)
            async with httpx.AsyncClient(transport=transport, base_url="http://server") as client:
                return await client.request(method, path, **options)

        return self.run(ask())

    # The ledger

    def ledger_errors(self) -> list[str]:
        """What `mergecost ledger check` says, and which sums by day differ from the ledger, of any account."""
        problems = broken_promises(self.database, self.org.id)
        with self.database.read() as connection:
            repositories = [
                row
                for account in account_store.all_accounts(connection)
                for row in repository_store.repositories_of(connection, account.account_id)
            ]
            days = [(row, day) for row in repositories for day in recount.days(connection, row.key, row.zone)]
        verified = [(row, recount.verify(self.database, row.key, day)) for row, day in days]
        return problems + [f"{row.full_name} {of.day}: {of.problem}" for row, of in verified if of.problem]

    def shares(self) -> dict[str, int]:
        """Cents by target over the whole ledger: `#12` -> 100, `-` for unattributed."""
        totals: dict[str, int] = {}
        with self.database.read() as connection:
            _, shares = ledger_history.everything(connection, self.org.id)
        for share in shares:
            name = f"#{share.pull_number}" if share.pull_number else "-"
            totals[name] = totals.get(name, 0) + (share.micros or 0)
        return {name: micros // 10_000 for name, micros in sorted(totals.items())}

    def history(self, request_id: str) -> list[Share]:
        """Every revision of one request's shares, oldest first."""
        with self.database.read() as connection:
            return ledger_history.history(connection, self.org.id, "claude-code", request_id)

    # More than one replica

    def add_replica(self) -> Bot:
        bot = self.run(self._start())
        self.bots.append(bot)
        return bot

    def run(self, work: Any) -> Any:
        # Not the runner's own `run`: for every call it has Ctrl-C handled anew, which takes longer than most of what runs here.
        return self._loop.get_loop().run_until_complete(work)

    def _installation_of(self, account_id: int) -> int:
        with self.database.read() as connection:
            return account_store.installation_of(connection, account_id)

    async def _start(self) -> Bot:
        transport = httpx.ASGITransport(self.github.app)
        github = GitHubApp(self._settings, self._credentials, self.clock, self._installation_of, transport)
        await github.__aenter__()
        return Bot(
            settings=self._settings,
            operator=self._operator,
            database=self.database,
            clock=self.clock,
            github=github,
            outbox=self.channel.outbox(),
        )


def shuffled(deliveries: Sequence[Delivery], times: int, seed: int) -> list[Delivery]:
    """Each delivery several times, in any order."""
    return random.Random(seed).sample([*deliveries] * times, len(deliveries) * times)
