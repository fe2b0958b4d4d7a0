"""Plays the plans day by day: people work and open pull requests, sessions arrive, some of them days late."""

import random
from collections.abc import Callable, Sequence

import msgspec

from attribution.identity import author
from attribution.usage import PullSeen, Tokens, Usage, with_context, with_work
from benchmarks.quarter.plan import FIRST_DAY, PEOPLE, WEEKS, Plan, session
from bot.clock import DAY_MS, to_ms
from tests.github.state import Pull, Repository
from tests.world import World

HOUR_MS = 3_600_000
BATCH = 1000
LAST_DAY = WEEKS * 7 + 9
Event = tuple[float, str, Plan | int]


class Quarter:
    """`repositories` are those of the world; `sent` counts sessions."""

    def __init__(self, world: World, rng: random.Random, repositories: int) -> None:
        self.world, self.rng = world, rng
        more = [world.github.add_repository(world.org, f"service-{i}") for i in range(1, repositories)]
        world.installation.repositories += more
        self.repositories: list[Repository] = [world.repository, *more]
        self.sessions_count = 0
        self._late: list[tuple[int, list[Usage]]] = []
        self._pulls: dict[str, Pull] = {}
        for person in PEOPLE:
            world.person(person)
        world.sweep()
        world.tick()

    def play(self, events: Sequence[Event], say: Callable[[str], None]) -> None:
        world, start_ms, at = self.world, to_ms(FIRST_DAY), 0
        for day in range(LAST_DAY):
            end = (day + 1) * 24
            batch: list[Usage] = []
            while at < len(events) and events[at][0] < end:
                hour, what, plan = events[at]
                world.now_ms = max(world.now_ms, start_ms + int(hour * HOUR_MS))
                batch += self._do(what, plan)
                at += 1
            if day == WEEKS * 7 + 1:  # the week after gets an issue too, and is the year's 53rd
                batch += [
                    usage for repository in self.repositories for usage in self._session(repository, "main", PEOPLE[0])
                ]
            self._send(batch + self._arriving())
            world.now_ms = max(world.now_ms, start_ms + end * HOUR_MS)
            world.tick()
            say(f"day {day + 1}, {self.sessions_count:,} sessions")

    def _do(self, what: str, plan: Plan | int) -> list[Usage]:
        """What a person does on GitHub is delivered at once; the sessions of a piece of work are returned."""
        if isinstance(plan, int):
            return self._session(self.repositories[plan], "main", self.rng.choice(PEOPLE))
        repository = self.repositories[plan.repository]
        if what == "work":
            return self._work(repository, plan, self._pulls[plan.branch])
        {"open": self._open, "merge": self._merge, "close": self._close, "revert": self._revert}[what](repository, plan)
        self.world.deliver()
        return []

    def _open(self, repository: Repository, plan: Plan) -> None:
        github, person = self.world.github, self.world.person(plan.person)
        body = ""
        if plan.issue:
            issue = github.open_issue(repository, f"Problem of {plan.branch}", person, labels=plan.labels)
            body = f"Fixes #{issue.number}"
        commits = [github.commit(f"Work on {plan.branch}", author=person)]
        title = f"Change {plan.branch.removeprefix('work/')} of the service"
        self._pulls[plan.branch] = github.open_pull(
            repository, plan.branch, person, commits, title=title, body=body, labels=plan.labels
        )

    def _merge(self, repository: Repository, plan: Plan) -> None:
        pull = self._pulls[plan.branch]
        self.world.github.merge(repository, pull.number, "squash")
        if plan.issue:
            self.world.github.close_issue(repository, int((pull.body or "").removeprefix("Fixes #")))

    def _close(self, repository: Repository, plan: Plan) -> None:
        self.world.github.close(repository, self._pulls[plan.branch].number)

    def _revert(self, repository: Repository, plan: Plan) -> None:
        github, person = self.world.github, self.world.person(plan.person)
        number, title = self._pulls[plan.branch].number, f'Revert "{plan.branch}"'
        commits = [github.commit(title, author=person)]
        body = f"Reverts {repository.full_name}#{number}"
        pull = github.open_pull(repository, f"revert-{number}", person, commits, title=title, body=body)
        github.merge(repository, pull.number)

    def _work(self, repository: Repository, plan: Plan, pull: Pull) -> list[Usage]:
        """Most sessions build the change, some review it, some run in CI; one in twenty arrives days late."""
        rng = self.rng
        what = rng.choices(["build", "review", "ci"], [90, 7, 3])[0]
        sha = pull.head_sha if what == "build" and rng.random() < 0.4 else ""
        branch, person = (plan.branch, plan.person) if what == "build" else ("main", rng.choice(PEOPLE))
        usages = self._session(repository, branch, person, sha)
        if what == "review":
            looks = (PullSeen(number=pull.number, how="view"),)
            usages = [with_work(usage, edited_files=(), pulls_seen=looks) for usage in usages]
        elif what == "ci":
            ref = f"refs/pull/{pull.number}/merge"
            usages = [with_context(usage, branch="", author="", ci_ref=ref) for usage in usages]
        if rng.random() < 0.05:
            last_ms = to_ms(FIRST_DAY) + (LAST_DAY - 2) * DAY_MS
            self._late.append((min(self.world.now_ms + int(rng.random() * 10 * DAY_MS), last_ms), usages))
            return []
        return usages

    def _session(self, repository: Repository, branch: str, person: str, sha: str = "") -> list[Usage]:
        self.sessions_count += 1
        context = {
            "repository": repository.full_name,
            "branch": branch,
            "author": author(self.world.person(person).email),
        }
        usages = session(self.rng, f"s{self.sessions_count}", self.world.now_ms, sha=sha, **context)
        if self.rng.random() < 0.001:  # more tokens than any model takes
            usages[0] = msgspec.structs.replace(usages[0], tokens=usages[0].tokens + Tokens(cache_read=5_000_000))
        return usages

    def _arriving(self) -> list[Usage]:
        due = [usages for at_ms, usages in self._late if at_ms <= self.world.now_ms]
        self._late = [batch for batch in self._late if batch[0] > self.world.now_ms]
        return [usage for usages in due for usage in usages]

    def _send(self, usages: list[Usage]) -> None:
        for start in range(0, len(usages), BATCH):
            self.world.send_usage(usages[start : start + BATCH])
        self.world.settle()
