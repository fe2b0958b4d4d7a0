"""What people and machines ask of a server, each as the use-case that answers it."""

import itertools
import random
import statistics
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, cast
from zoneinfo import ZoneInfo

import msgspec

from attribution.periods import week_of, weeks_later
from attribution.protocol import Receipt
from attribution.usage import Context, ContextSource, Tokens, Usage
from benchmarks.ten_million.fill import KEY, NOW
from bot import attribute, ingest, ledger_check
from bot.clock import to_ms
from bot.context import Bot
from bot.figures import breakdown as breakdown_figures
from bot.figures import pull as pull_figures
from bot.figures import week as week_figures
from bot.keys import Sender
from bot.notify import Outbox
from bot.repository_settings import OperatorSettings, RepositorySettings
from bot.store import ledger_history
from bot.store import repositories as repository_store
from bot.store.database import Database
from bot.work import queue
from bot.work.queue import Kind

UTC = ZoneInfo("UTC")
SETTINGS = RepositorySettings()
_RECORDS = 20


class Duration(msgspec.Struct, frozen=True):
    """Milliseconds: at the median and the 99th percentile on the wall, and at the median of this process' CPU. PostgreSQL's own
    work is on the wall alone."""

    wall_ms: float
    wall_p99_ms: float
    cpu_ms: float


def durations(database: Database, pulls: int) -> dict[str, Duration]:
    """By use. `pulls`: so many pull requests the large repository has."""
    numbers = random.Random(1)
    fresh = itertools.count()
    with database.read() as connection:
        rows = repository_store.repositories_of(connection, KEY.account_id)
        large = [row for row in rows if row.repository_id == KEY.repository_id]
    week = KEY.week(weeks_later(week_of(NOW, UTC), -1, UTC).name)
    month = (NOW - timedelta(days=30)).date(), NOW.date()

    def ask(view: Callable[[Any], object]) -> Callable[[], None]:
        def work() -> None:
            with database.read() as connection:
                view(connection)

        return work

    def of_pull(connection: Any) -> object:
        number = numbers.randrange(1, pulls + 1)
        return pull_figures.view_of(connection, KEY.pull(number), SETTINGS, None, NOW)

    uses: Mapping[str, tuple[int, Callable[[], object]]] = {
        "20 records received and attributed": (30, lambda: _arrive(database, next(fresh), pulls)),
        "a pull request's comment": (300, ask(of_pull)),
        "a pull request's history": (20, ask(lambda c: ledger_history.history_of_pull(c, KEY.pull(pulls // 2 + 1)))),
        "a week's issue": (5, ask(lambda c: week_figures.cost_of(c, SETTINGS, week, to_ms(NOW)))),
        "30 days by pull request": (
            5,
            ask(lambda c: breakdown_figures.of_repositories(c, large, "pull", month)),
        ),
        "30 days by model, 200 repositories": (
            3,
            ask(lambda c: breakdown_figures.of_repositories(c, rows, "model", month)),
        ),
        "the nightly check": (
            1,
            lambda: ledger_check.broken_promises(database, KEY.account_id, to_ms(NOW - timedelta(hours=3))),
        ),
    }
    return {name: _measured(times, work) for name, (times, work) in uses.items()}


def _arrive(database: Database, place: int, pulls: int) -> None:
    """A new session on the branch of one of the newest pull requests."""
    number = max(1, pulls - place % 20)
    context = Context(
        source=ContextSource.REFLOG, repository="acme/r900000034", branch=f"feature/topic-{number - 1}", commit="c" * 40,
        author=f"{place % 40:016x}",
    )  # fmt: skip
    usages = [
        Usage(
            tool="claude-code", session_id=f"new-{place}", request_id=f"msg_new_{place}_{i}", aliases=(f"req_new_{place}_{i}",),
            at=NOW - timedelta(minutes=_RECORDS - i), model="claude-opus-5", tokens=Tokens(output=100, uncached_input=1000),
            context=context,
        )
        for i in range(_RECORDS)
    ]  # fmt: skip
    body = b'{"requests":' + msgspec.json.encode(usages) + b"}"
    sender = Sender(KEY.account_id, f"person-{place % 40}")
    (receipt,) = ingest.receive(database, OperatorSettings(), _now_ms, KEY.account_id, [(sender, body)])
    assert isinstance(receipt, Receipt)
    assert receipt.accepted == _RECORDS, receipt
    bot = Bot(
        settings=cast(Any, None), operator=OperatorSettings(), database=database, clock=_now_ms, github=cast(Any, None),
        outbox=Outbox(),
    )  # fmt: skip
    for lease in queue.claim(database, _now_ms(), 10):
        if lease.work.kind == Kind.ATTRIBUTE:
            assert attribute.sessions(bot, lease)
        else:
            queue.finish(database, lease)


def _measured(times: int, work: Callable[[], object]) -> Duration:
    work()
    wall: list[float] = []
    cpu: list[float] = []
    for _ in range(times):
        start, start_cpu = time.perf_counter(), time.process_time()
        work()
        wall.append((time.perf_counter() - start) * 1000)
        cpu.append((time.process_time() - start_cpu) * 1000)
    return Duration(statistics.median(wall), sorted(wall)[int(len(wall) * 0.99)], statistics.median(cpu))


def _now_ms() -> int:
    return to_ms(NOW)
