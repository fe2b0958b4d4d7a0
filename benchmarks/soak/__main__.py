"""Two replicas on PostgreSQL in bad weather, and whether every figure is exact afterwards.

    make soak [ARGS="--minutes 2"]

Replicas are killed and paused, PostgreSQL is restarted and crashes, GitHub errs; webhooks come twice, shuffled or not at all;
collectors send until they are answered 200, and some batches again. At the end the sky clears, and its verdict: the ledger holds
exactly what was sent, every pull request has one comment with its cost, and memory stayed flat. Exit status 1: it is not so.
"""

import argparse
import json
import random
import re
import sys
import tempfile
import threading
import time
from collections import Counter
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
from tests.github.fake import request_of

RECORDS_A_MINUTE, BATCH, CLIENTS = 25_000, 100, 4
# What 200 input tokens of this model cost.
MODEL, UNIT_TOKENS, UNIT_MICROS = "claude-opus-5", 200, 1_000
CALM_SECONDS = 600
# Less is what an interpreter needs to warm up.
MOST_GROWTH_MB = 60


class Load:
    """Collectors. `micros` is what was acknowledged, by repository and pull request; a batch is sent until it is."""

    def __init__(self, place: Place, tokens: dict[int, str], batches: int) -> None:
        self._place, self._tokens, self._left = place, tokens, batches
        self._lock = threading.Lock()
        self.micros: Counter[tuple[int, int]] = Counter()
        self.records: Counter[int] = Counter()
        self.answers: Counter[str] = Counter()

    def run(self, seed: int, pause_seconds: float) -> None:
        chance = random.Random(seed)
        with httpx.Client(timeout=30) as client:
            while True:
                with self._lock:
                    self._left -= 1
                    name = f"{seed}-{self._left}"
                    if self._left < 0:
                        return
                self._send(client, chance, name)
                time.sleep(pause_seconds)

    def _send(self, client: httpx.Client, chance: random.Random, name: str) -> None:
        repository, number = chance.choice(self._place.repositories), chance.randint(1, PULLS)
        units = [chance.randint(1, 20) for _ in range(BATCH)]
        body = json.dumps(
            {"requests": [_record(repository.full_name, number, name, i, n) for i, n in enumerate(units)]}
        )
        again = chance.random() < 0.1
        while True:
            answer = self._post(client, chance, self._tokens[repository.id], body)
            if answer == "200" and not again:
                break
            again = again and answer != "200"
            time.sleep(0 if answer == "200" else 0.2)
        with self._lock:
            self.micros[repository.id, number] += sum(units) * UNIT_MICROS
            self.records[repository.owner.id] += BATCH

    def _post(self, client: httpx.Client, chance: random.Random, token: str, body: str) -> str:
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


def _record(repository: str, number: int, name: str, index: int, units: int) -> dict[str, object]:
    usage = Usage(
        tool="claude-code", session_id=f"s{name}", request_id=f"r{name}-{index}", at=datetime.now(UTC), model=MODEL,
        tokens=Tokens(uncached_input=units * UNIT_TOKENS), work=Work(),
        context=Context(source=ContextSource.LOG, repository=repository, branch=f"feat/{number}"),
    )  # fmt: skip
    return json.loads(msgspec.json.encode(usage))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mergecost-soak-") as folder:
        place = Place(Path(folder), random.Random(options.seed))
        with place.open():
            problems = _soak(place, options.minutes * 60, options.seed)
    print("\n".join(problems) or "Every figure is exact.")
    return 1 if problems else 0


def _soak(place: Place, seconds: float, seed: int) -> list[str]:
    tokens = _tokens(place)
    place.open_pulls()
    load = Load(place, tokens, int(seconds / 60 * RECORDS_A_MINUTE / BATCH))
    memory: list[float] = []
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
    pause_seconds = 60 / RECORDS_A_MINUTE * BATCH * CLIENTS
    clients = [threading.Thread(target=load.run, args=(client, pause_seconds)) for client in range(CLIENTS)]
    start = time.monotonic()
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    time.sleep(max(0.0, seconds - (time.monotonic() - start)))
    weather.stop()
    place.github.recover()
    took = time.monotonic() - start
    print(f"{sum(load.records.values()):,} records in {took:.0f} s; weather: {dict(Counter(place.events))}")
    print(f"answers to collectors: {dict(load.answers)}; to GitHub: {dict(answers)}")
    problems = _until_exact(place, load)
    for other in others:
        other.stop()
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
    while True:
        with place.database.write() as connection:
            known = {account.account_id for account in account_store.all_accounts(connection)}
            if all(repository.owner.id in known for repository in place.repositories):
                return {
                    repository.id: token_store.new(connection, repository.owner.id, "soak", 0)
                    for repository in place.repositories
                }
        time.sleep(0.5)


def _until_exact(place: Place, load: Load) -> list[str]:
    """What is still wrong after a time of good weather."""
    start = time.monotonic()
    while (problems := _problems(place, load)) and time.monotonic() - start < CALM_SECONDS:
        time.sleep(5)
    print(
        f"{time.monotonic() - start:.0f} s of good weather until it was exact" if not problems else "It is not exact."
    )
    return problems


def _problems(place: Place, load: Load) -> list[str]:
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
    says = [match[1] for body in bodies if (match := re.search(r"This change cost (\$[\d,.]+\d)\*\*", body))]
    right = [show(micros)] if micros else []
    return "" if says == right else f"{repository.full_name}#{number} says {says}, it cost {right}"  # type: ignore[attr-defined]


if __name__ == "__main__":
    sys.exit(main())
