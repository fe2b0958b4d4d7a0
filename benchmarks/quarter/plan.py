"""A quarter as it will be, drawn with a seed: pull requests, the sessions that work on them and what each uses."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime

import msgspec

from attribution.usage import CommitMade, Context, Tokens, Usage, Work
from bot.clock import from_ms

FIRST_DAY = datetime(2026, 9, 28, tzinfo=UTC)
WEEKS = 13
PEOPLE = ("alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi", "ivan")
MODELS = ("claude-opus-5", "claude-sonnet-5", "gpt-5.5")


class Plan(msgspec.Struct):
    """A pull request as it will be: hours since the quarter began. `ends` is merge, close or stay."""

    repository: int
    branch: str
    person: str
    open_hour: float
    end_hour: float
    ends: str
    revert_hours: float
    sessions: int
    labels: list[str]
    issue: bool


def plans(rng: random.Random, repositories: int, pulls: int, sessions: int) -> list[Plan]:
    weights = [rng.lognormvariate(0, 1) for _ in range(pulls)]
    whole = sum(weights)
    result = []
    for i in range(pulls):
        day = rng.randrange(WEEKS * 7 - 2)
        open_hour = (day if day % 7 < 5 else day - 2) * 24 + 8 + rng.random() * 9
        ends = rng.choices(["merge", "close", "stay"], [82, 10, 8])[0]
        result.append(
            Plan(
                repository=rng.randrange(repositories), branch=f"work/{i}", person=rng.choice(PEOPLE), open_hour=open_hour,
                end_hour=open_hour + rng.expovariate(1 / 40) + 1, ends=ends,
                revert_hours=rng.random() * 20 * 24 if ends == "merge" and rng.random() < 0.05 else 0,
                sessions=round(sessions * 0.92 * weights[i] / whole), labels=rng.choice([[], ["bug"], ["feature"], ["bug", "ui"]]),
                issue=rng.random() < 0.4,
            )
        )  # fmt: skip
    return result


def timeline(
    rng: random.Random, planned: list[Plan], loose: int, repositories: int
) -> Iterator[tuple[float, str, Plan | int]]:
    """What happens, by hours since the quarter began, in no order; a loose session names its repository."""
    for plan in planned:
        yield plan.open_hour, "open", plan
        for _ in range(plan.sessions):
            yield plan.open_hour + rng.random() * (plan.end_hour - plan.open_hour), "work", plan
        if plan.ends != "stay":
            yield plan.end_hour, plan.ends, plan
        if plan.revert_hours:
            yield plan.end_hour + plan.revert_hours, "revert", plan
    for _ in range(loose):
        yield rng.random() * WEEKS * 7 * 24, "loose", rng.randrange(repositories)


def session(
    rng: random.Random, name: str, ended_ms: int, *, repository: str, branch: str, author: str, sha: str = ""
) -> list[Usage]:
    """The requests of a session; its last one made the commit."""
    count = rng.randint(1, 4)
    model = rng.choices([*MODELS, "a-new-model"], [60, 25, 14, 1])[0]
    return [
        Usage(
            tool="claude-code" if model.startswith("claude") else "codex",
            session_id=name,
            request_id=f"{name}-{i}",
            at=from_ms(ended_ms - (count - i) * 60_000),
            model=model,
            tokens=Tokens(
                uncached_input=rng.randint(100, 9000),
                cache_read=rng.randint(0, 180_000),
                cache_write_5m=rng.randint(0, 9000),
                output=rng.randint(50, 6000),
            ),
            context=Context(repository=repository, branch=branch, author=author),
            work=Work(
                edited_files=("app/service.py",) if i == 0 else (),
                commits_made=(CommitMade(sha=sha),) if sha and i == count - 1 else (),
            ),
        )
        for i in range(count)
    ]
