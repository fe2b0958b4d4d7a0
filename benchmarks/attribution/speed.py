"""`python -m benchmarks.attribution.speed [TIMES]`: 100,000 requests and 2,000 pull requests replayed, TIMES as many (1).

A made-up repository of 20 people who commit by hand, on branches of their own, sometimes planning on `main` first.
"""

import argparse
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path

import msgspec

from attribution.attribute import RepositoryIndex, attribute
from attribution.evidence import Commit, PullRequest
from attribution.usage import Context, Tokens, Usage, Work

REQUESTS, PULLS, COMMITS, IN_SESSION, PEOPLE = 100_000, 2_000, 5, 200, 20
_START = datetime(2026, 1, 5, tzinfo=UTC)
_SPAN = timedelta(days=180)
_REPLAY = (sys.executable, "-c", "import sys; from bot.cli.replay import main; sys.exit(main(sys.argv[1:]))")


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.attribution.speed", description=__doc__)
    parser.add_argument("times", type=int, nargs="?", default=1)
    times = parser.parse_args().times
    chance = random.Random(7)
    pulls = [_pull(number, chance) for number in range(1, PULLS * times + 1)]
    sessions = REQUESTS * times // IN_SESSION
    with tempfile.TemporaryDirectory() as folder:
        usage_path, pulls_path = Path(folder, "usage.jsonl"), Path(folder, "pulls.jsonl")
        _write(pulls_path, pulls)
        _write(usage_path, chain.from_iterable(_sessions(pulls, sessions, chance)))
        before = time.perf_counter()
        subprocess.run(
            [*_REPLAY, "--usage", usage_path, "--pulls", pulls_path, "--json"], check=True, stdout=subprocess.DEVNULL
        )
        duration = time.perf_counter() - before
        print(f"mergecost replay: {duration:.1f} s, peak {_peak_mib(resource.RUSAGE_CHILDREN):,.0f} MiB")
    before = time.perf_counter()
    index = RepositoryIndex(pulls, "main")
    after = time.perf_counter()
    seconds, attributed, requests = 0.0, 0, 0
    for session in _sessions(pulls, sessions, chance):
        start = time.perf_counter()
        claims = attribute(session, index)
        seconds += time.perf_counter() - start
        requests += len(claims)
        attributed += sum(bool(claim.numbers) for claim in claims.values())
    print(
        f"the engine alone, session by session: index {after - before:.2f} s, place {seconds:.2f} s"
        f" ({seconds / requests * 1e6:.1f} us a request), peak {_peak_mib(resource.RUSAGE_SELF):,.0f} MiB"
    )
    print(f"{requests:,} requests, {attributed / requests:.0%} of them placed, {len(pulls):,} pull requests")


def _write(path: Path, facts: Iterable[Usage | PullRequest]) -> None:
    with path.open("wb") as file:
        for fact in facts:
            file.write(msgspec.json.encode(fact) + b"\n")


def _peak_mib(who: int) -> float:
    return resource.getrusage(who).ru_maxrss / 1024


def _pull(number: int, chance: random.Random) -> PullRequest:
    author = f"person{chance.randrange(PEOPLE)}"
    opened_at = _START + chance.random() * _SPAN
    commits = [_commit(number, i, author, opened_at, chance) for i in range(COMMITS)]
    return PullRequest(
        number=number,
        head_branch=f"feat/{number}",
        author=author,
        created_at=opened_at,
        closed_at=opened_at + timedelta(days=2),
        commits=tuple(commits),
        files=tuple(sorted({path for commit in commits for path in commit.files})),
    )


def _commit(number: int, place_in_pull: int, author: str, opened_at: datetime, chance: random.Random) -> Commit:
    at = opened_at + timedelta(hours=2 * place_in_pull)
    files = {f"src/part{number % 50}/file{chance.randrange(40)}.py" for _ in range(4)}
    sha = f"{number:08x}{place_in_pull:032x}"
    return Commit(sha=sha, author=author, authored_at=at, committed_at=at, files=tuple(sorted(files)))


def _sessions(pulls: list[PullRequest], count: int, chance: random.Random) -> Iterator[list[Usage]]:
    for at in range(count):
        pull = chance.choice(pulls)
        yield [_request(pull, at, i, chance) for i in range(IN_SESSION)]


def _request(pull: PullRequest, session: int, position: int, chance: random.Random) -> Usage:
    return Usage(
        tool="claude-code",
        session_id=f"s{session}",
        request_id=f"s{session}-{position}",
        at=pull.created_at + timedelta(minutes=2 * position - 60),
        model="claude-opus-5",
        tokens=Tokens(uncached_input=10, cache_read=20_000 + 1_000 * position, cache_write_5m=1_000, output=500),
        context=Context(branch=pull.head_branch if position > 20 else "main", author=pull.author),
        work=Work(edited_files=(chance.choice(pull.files),) if position % 5 == 0 else ()),
    )


if __name__ == "__main__":
    main()
