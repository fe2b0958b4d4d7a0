"""Two replicas on PostgreSQL in bad weather, and whether every figure is exact afterwards.

    make soak [ARGS="--minutes 2"]

Replicas are killed and paused, PostgreSQL is restarted and crashes, GitHub errs; webhooks come twice, shuffled or not at all;
collectors send until they are answered 200, and some batches again. At the end the sky clears, and its verdict: the ledger holds
exactly what was sent, every pull request has one comment with its cost, memory stayed flat, nobody was answered anything else than
yes or later, and all was sent in time. Exit status 1: it is not so. It comes ten minutes after the end at the latest.
"""

import argparse
import os
import random
import re
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import httpx
import msgspec
from sqlalchemy import text

from attribution.money import show
from attribution.usage import Context, ContextSource, Tokens, Usage, Work
from benchmarks.soak.place import PULLS, Place, Repeated
from bot.ledger_check import broken_promises
from bot.store import accounts as account_store
from bot.store import tokens as token_store
from bot.store.database import Unavailable
from tests.github.fake import request_of
from tests.patience import DEADLOCK_SECONDS

RECORDS_A_MINUTE, BATCH, CLIENTS = 25_000, 100, 8
# What 200 input tokens of this model cost.
MODEL, UNIT_TOKENS, UNIT_MICROS = "claude-opus-5", 200, 1_000
CALM_SECONDS, CLOSE_SECONDS = 600, 60
# Less is what an interpreter needs to warm up.
MOST_GROWTH_MB = 60
# Yes, or later: a replica that was killed or paused answers nothing, or not in time.
_PUSH_ANSWERS, _WEBHOOK_ANSWERS = {"200", "429", "503"}, {"202", "503"}
# What Python says of work that was forgotten.
_COMPLAINTS = ("Task was destroyed", "exception was never retrieved", "was never awaited")


class Load:
    """Collectors. `micros` is what was acknowledged, by repository and pull request. A batch is sent until it is, and no new one
    after `seconds`; `lost` are those that were not by the time of `give_up`."""

    def __init__(self, place: Place, tokens: dict[int, str], batches: int, seconds: float) -> None:
        self._place, self._tokens, self._batches, self._left = place, tokens, batches, batches
        self._start, self._seconds = time.monotonic(), seconds
        self._lock = threading.Lock()
        self.give_up = threading.Event()
        self.lost: list[str] = []
        self.micros: Counter[tuple[int, int]] = Counter()
        self.records: Counter[int] = Counter()
        self.answers: Counter[str] = Counter()

    def run(self, seed: int) -> None:
        chance = random.Random(seed)
        with httpx.Client(timeout=30) as client:
            while time.monotonic() - self._start < self._seconds:
                with self._lock:
                    if not self._left:
                        return
                    self._left -= 1
                    done = self._batches - self._left
                self._send(client, chance, f"{seed}-{done}")
                # What bad weather delayed is made up for.
                time.sleep(max(0.0, self._start + self._seconds * done / self._batches - time.monotonic()))

    def _send(self, client: httpx.Client, chance: random.Random, name: str) -> None:
        repository, number = chance.choice(self._place.repositories), chance.randint(1, PULLS)
        units = [chance.randint(1, 20) for _ in range(BATCH)]
        body = msgspec.json.encode(
            {"requests": [_record(repository.full_name, number, name, i, n) for i, n in enumerate(units)]}
        )
        again = chance.random() < 0.1
        while True:
            answer = self._post(client, chance, self._tokens[repository.id], body)
            if answer == "200" and not again:
                break
            again = again and answer != "200"
            if self.give_up.wait(0 if answer == "200" else 0.2):
                self.lost.append(f"batch {name} was not acknowledged: {answer}")
                return
        with self._lock:
            self.micros[repository.id, number] += sum(units) * UNIT_MICROS
            self.records[repository.owner.id] += BATCH

    def _post(self, client: httpx.Client, chance: random.Random, token: str, body: bytes) -> str:
        url = f"{chance.choice(self._place.replicas).url}/v1/usage"
        try:
            answer = client.post(url, content=body, headers={"Authorization": f"Bearer {token}"})
            outcome = str(answer.status_code)
            if answer.status_code == 200 and answer.json()["refused"]:
                outcome = f"refused: {answer.json()['refused'][0]['reason']}"
        except httpx.TransportError as error:
            outcome = type(error).__name__
        with self._lock:
            self.answers[outcome] += 1
        return outcome


def _record(repository: str, number: int, name: str, index: int, units: int) -> Usage:
    return Usage(
        tool="claude-code", session_id=f"s{name}", request_id=f"r{name}-{index}", at=datetime.now(UTC), model=MODEL,
        tokens=Tokens(uncached_input=units * UNIT_TOKENS), work=Work(),
        context=Context(source=ContextSource.LOG, repository=repository, branch=f"feat/{number}"),
    )  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mergecost-soak-") as folder:
        place = Place(Path(folder), random.Random(options.seed))
        with place.open():
            problems = _soak(place, options.minutes * 60, options.seed)
            verdict = [f"FAILED: {problem}" for problem in problems] or ["PASSED: every figure is exact."]
            print("\n".join(verdict), flush=True)
            status = 1 if problems else 0
            # Whatever still keeps the place open then, that is the end.
            end = threading.Timer(CLOSE_SECONDS, os._exit, [status])
            end.daemon = True
            end.start()
    return status


def _soak(place: Place, seconds: float, seed: int) -> list[str]:
    tokens = _tokens(place)
    place.open_pulls()
    batches = max(int(seconds / 60 * RECORDS_A_MINUTE / BATCH), 1)
    memory = [place.memory_mb()]
    told = len(place.github.deliveries)
    answers: Counter[str] = Counter()

    def deliver() -> None:
        nonlocal told
        place.push()
        fresh, told = place.deliveries(told), len(place.github.deliveries)
        for delivery in fresh:
            headers, body = request_of(delivery, place.app.webhook_secret)
            url = f"{place.chance.choice(place.replicas).url}/webhooks/github"
            try:
                status = httpx.post(url, content=body, headers=headers, timeout=10).status_code
                place.github.record_answer(delivery, status)
                answers[str(status)] += 1
            except httpx.TransportError as error:
                answers[type(error).__name__] += 1

    weather = Repeated(place.break_something, random.Random(seed), 10)
    others = [
        Repeated(deliver, random.Random(seed), 3),
        Repeated(lambda: memory.append(place.memory_mb()), random.Random(1), 2),
    ]
    start = time.monotonic()
    load = Load(place, tokens, batches, seconds)
    clients = [threading.Thread(target=load.run, args=(client,), daemon=True) for client in range(CLIENTS)]
    for client in clients:
        client.start()
    time.sleep(seconds)
    in_time, calm_from = sum(load.records.values()), time.monotonic()
    problems = weather.stop()
    place.github.recover()
    print(f"{in_time:,} records in {calm_from - start:.0f} s; weather: {dict(Counter(place.events))}", flush=True)
    if in_time < 0.98 * batches * BATCH:  # what is on its way at the end comes a moment later
        problems.append(f"too slow: {in_time:,} of {batches * BATCH:,} records were acknowledged in {seconds:.0f} s")
    problems += _until_exact(place, load, clients, calm_from + CALM_SECONDS)
    for other in others:
        problems += other.stop()
    print(f"answers to collectors: {dict(load.answers)}; to GitHub: {dict(answers)}")
    problems += _odd_answers("a collector", load.answers, _PUSH_ANSWERS) + _odd_answers(
        "GitHub", answers, _WEBHOOK_ANSWERS
    )
    problems += place.complaints(_COMPLAINTS)
    third = max(memory[: max(len(memory) // 3, 1)])
    print(
        f"memory: {third:.0f} MB at most in the first third, {memory[-1]:.0f} MB at the end, {max(memory):.0f} MB at most"
    )
    every = max(len(memory) // 4, 1)
    print("memory by quarters of that time, MB: " + ", ".join(f"{mb:.0f}" for mb in memory[every - 1 :: every]))
    growth = memory[-1] - third
    return problems + ([f"memory grew by {growth:.0f} MB"] if growth > MOST_GROWTH_MB else [])


def _tokens(place: Place) -> dict[int, str]:
    """A collector's token for each repository, once the server knows who installed its App."""
    end = time.monotonic() + DEADLOCK_SECONDS
    while time.monotonic() < end:
        with place.database.write() as connection:
            known = {account.account_id for account in account_store.all_accounts(connection)}
            if all(repository.owner.id in known for repository in place.repositories):
                return {
                    repository.id: token_store.new(connection, repository.owner.id, "soak", 0)
                    for repository in place.repositories
                }
        time.sleep(0.5)
    raise SystemExit("the server does not begin: no account is known to it")


def _until_exact(place: Place, load: Load, clients: Sequence[threading.Thread], end: float) -> list[str]:
    """What is still wrong after a time of good weather."""
    start = time.monotonic()
    for client in clients:  # the last batch of each
        client.join(max(0.0, end - time.monotonic()))
    load.give_up.set()
    while (problems := _problems(place, load)) and time.monotonic() < end:
        time.sleep(5)
    print(
        f"{time.monotonic() - start:.0f} s of good weather until it was exact" if not problems else "It is not exact."
    )
    return problems


def _odd_answers(whom: str, answers: Counter[str], expected: set[str]) -> list[str]:
    """Answers beside `expected`. What never came has the name of an error in place of a number."""
    odd = {
        answer: n
        for answer, n in answers.items()
        if answer not in expected and not answer.endswith(("Error", "Timeout"))
    }
    return [f"{whom} was answered {answer}, {n} times" for answer, n in odd.items()]


def _problems(place: Place, load: Load) -> list[str]:
    try:
        return [*load.lost, *_wrong_figures(place, load)]
    except Unavailable as error:
        return [str(error)]


def _wrong_figures(place: Place, load: Load) -> list[str]:
    problems: list[str] = []
    with place.database.read() as connection:
        for repository in place.repositories:
            account_id = repository.owner.id
            sums = text("SELECT count(*), coalesce(sum(list_micros), 0) FROM charge WHERE account_id = :account")
            count, micros = connection.execute(sums, {"account": account_id}).one()
            sent = sum(load.micros[repository.id, number] for number in range(1, PULLS + 1))
            if (count, micros) != (load.records[account_id], sent):
                problems.append(
                    f"{repository.full_name}: {count} charges of {micros}, acknowledged {sent} micro-dollars"
                )
            for number in range(1, PULLS + 1):
                if problem := _problem_of_comment(place, repository, number, load.micros[repository.id, number]):
                    problems.append(problem)
        if not problems:
            accounts = [repository.owner.id for repository in place.repositories]
            problems += [str(error) for account_id in accounts for error in broken_promises(place.database, account_id)]
    return problems


def _problem_of_comment(place: Place, repository: object, number: int, micros: int) -> str:
    bodies = [comment.body for comment in place.github.comments(repository, number)]  # type: ignore[arg-type]
    says = [
        match[1] for body in bodies if (match := re.search(r"This change cost (?:at least )?(\$[\d,.]+\d)\*\*", body))
    ]
    right = [show(micros)] if micros else []
    return "" if says == right else f"{repository.full_name}#{number} says {says}, it cost {right}"  # type: ignore[attr-defined]


if __name__ == "__main__":
    sys.exit(main())
