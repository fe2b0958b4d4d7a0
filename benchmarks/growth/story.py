"""What happens next in a repository with a past, and what each piece of work takes: the real server and worker, a fake GitHub."""

import time
from collections import defaultdict
from collections.abc import Callable
from datetime import timedelta

import msgspec

from attribution.identity import author
from attribution.usage import Context, ContextSource, Tokens, Usage, Work
from benchmarks.growth.fill import EACH, PEOPLE, fill
from benchmarks.reads import Reads
from bot.clock import DAY_MS, from_ms, to_ms
from bot.keys import RepositoryKey
from bot.repository_settings import PATH
from bot.store import accounts as account_store
from bot.store import repositories as repository_store
from bot.work import queue
from bot.work.queue import Kind
from bot.worker import ORDER, run
from tests.world import World

# In one session.
REQUESTS = 40
_MINUTE = timedelta(minutes=1)


class Effort(msgspec.Struct, frozen=True):
    """What a piece of work took."""

    cpu_ms: float
    statements: int
    rows: int
    steps: int


class Story:
    """`efforts` are by name, in the order in which the pieces were done."""

    def __init__(self, world: World, reads: Reads, cpu_seconds: Callable[[], float] = time.process_time) -> None:
        self.efforts: defaultdict[str, list[Effort]] = defaultdict(list)
        self._world, self._reads, self._cpu_seconds = world, reads, cpu_seconds
        self._key = RepositoryKey(world.org.id, world.repository.id)

    def tell(self) -> None:
        """A pull request from its first commit to its merge, with an issue and a correction."""
        world = self._world
        self._set("check: false")
        issue = world.open_issue("Clients hammer the ingest API")
        number, person, branch = issue + 1, f"person{issue % PEOPLE}", f"work/part_{issue}"
        world.open_pull(number, branch, f"e{number:06x}:a.py", person, body=f"Fixes #{issue}")
        self._settle("opened")
        self._note("40 requests received", lambda: self._send(f"new-{number}", branch, person))
        self._settle("new")
        self._again(Kind.COMMENT, number, "nothing changed")
        self._set("comment: false")
        self._again(Kind.COMMENT, number, "the check run")
        self._again(Kind.COMMENT, number, "the check run, nothing changed")
        self._set("budget_pull_usd: 2\nbudget_week_usd: 3\nbudget_month_usd: 9")
        self._again(Kind.COMMENT, number, "with budgets")
        self._again(Kind.COMMENT, number, "with budgets, nothing changed")
        world.push(branch, f"e{number:06x}:a.py,e{number + 9999:06x}:b.py", person)
        self._settle("pushed")
        self._send(f"other-{number}", "", "bob", tokens=200_000)
        self._settle("elsewhere")
        world.say(number, f"/mergecost link other-{number} #{number} because it was for it", person)
        self._settle("linked")
        world.close_issue(issue)
        self._settle("closed")
        self._again(Kind.ISSUE_COMMENT, issue, "nothing changed")
        world.merge(number)
        self._settle("merged")

    def end(self) -> None:
        """The weekly issue, the hourly sweep, the nightly check, and a merge that has survived."""
        now = from_ms(self._world.now_ms)
        monday = now.replace(hour=6, minute=0) + timedelta(days=7 - now.weekday())
        self._tick(to_ms(monday), "Monday")
        self._tick(self._world.now_ms + DAY_MS, "the next day")
        self._tick(self._world.now_ms + 14 * DAY_MS, "after two weeks")

    def _tick(self, at_ms: int, name: str) -> None:
        world = self._world
        world.now_ms = max(world.now_ms, at_ms)
        self._note("the minute's tick", lambda: world.schedule_tick(world.bots[0]))
        self._settle(name)

    def _set(self, settings: str) -> None:
        """The repository's settings, as if read just now."""
        world = self._world
        world.repository.files[PATH] = settings.encode()
        with world.database.write() as connection:
            state = {"settings_text": settings, "settings_read_at_ms": world.now_ms}
            repository_store.note(connection, self._key, **state)

    def _send(self, session_id: str, branch: str, by: str, tokens: int = 20_000) -> None:
        now = from_ms(self._world.now_ms)
        context = Context(
            source=ContextSource.LOG,
            repository="acme/widgets",
            branch=branch,
            author=author(self._world.person(by).email),
        )
        self._world.send_usage([
            Usage(
                tool="claude-code", session_id=session_id, request_id=f"{session_id}-{i}", at=now - _MINUTE * (REQUESTS - i),
                model="claude-opus-5", tokens=Tokens(uncached_input=tokens), context=context,
                work=Work(edited_files=("a.py",)),
            )
            for i in range(REQUESTS)
        ])  # fmt: skip

    def _again(self, kind: Kind, number: int, name: str) -> None:
        with self._world.database.write() as connection:
            queue.request(connection, [queue.Work(kind, *self._key, number)], self._world.now_ms)
        self._settle(name)

    def _settle(self, name: str) -> None:
        """As `World.settle`, one noted piece after the other."""
        world, bot = self._world, self._world.bots[0]
        limit_ms = world.now_ms + DAY_MS // 2
        while True:
            leases = queue.claim(world.database, world.now_ms, 10)
            for lease in sorted(leases, key=lambda lease: ORDER[lease.work.kind]):
                self._note(f"{lease.work.kind}, {name}", lambda lease=lease: world.run(run(bot, lease)))
            world.deliver()
            if leases:
                continue
            with world.database.read() as connection:
                due_ms = queue.next_due_at_ms(connection)
            if due_ms is None or due_ms > limit_ms:
                return
            world.now_ms = max(world.now_ms, due_ms)

    def _note(self, name: str, work: Callable[[], object]) -> None:
        reads, cpu = self._reads, self._cpu_seconds()
        before = reads.statements, reads.rows, reads.steps
        work()
        cpu_ms = (self._cpu_seconds() - cpu) * 1000
        after = reads.statements, reads.rows, reads.steps
        self.efforts[name].append(Effort(cpu_ms, *(b - a for a, b in zip(before, after, strict=True))))


def with_past(world: World, count: int, each: timedelta = EACH) -> None:
    """So many pull requests of the same people, from the same branches, before the story begins."""
    people = [author(world.person(f"person{i}").email) for i in range(PEOPLE)]
    fill(world.database, RepositoryKey(world.org.id, world.repository.id), people, count, from_ms(world.now_ms), each)
    world.now_ms += 60_000
    with (
        world.database.write() as connection
    ):  # each night but the first, what changed since the night before is checked
        account_store.note_check(connection, world.org.id, world.now_ms, 0)
    world.tick()
