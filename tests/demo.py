"""`make demo`: a week in a small repository, played through the real app against the fake GitHub. No account, no network."""

import sys
import tempfile
from pathlib import Path

from bot.store.database import Database
from tests.look.gfm import render
from tests.world import World

PAGE = Path(".mergecost/demo.html")
STYLE = """
:root { color-scheme: light dark; }
body { font: 14px/1.5 system-ui, sans-serif; max-width: 820px; margin: 2rem auto; padding: 0 1rem; }
article { border: 1px solid #8886; border-radius: 6px; padding: 0 1rem 1rem; margin: 1rem 0 2rem; } sub { font-size: 11px; }
header { margin: 0 -1rem 1rem; padding: .6rem 1rem; background: #8881; border-bottom: 1px solid #8886; }
table { border-collapse: collapse; } td, th { border: 1px solid #8886; padding: 6px 13px; }
code { background: #8882; border-radius: 6px; padding: .2em .4em; font-size: 85%; }
"""


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{folder}/demo.db")
        database.migrate()
        with World(database, Path(folder)) as world:
            _week(world)
            numbers = [12, 13, 14]
            bodies = {number: body for number in numbers for body in world.comments(number)}
            errors = world.ledger_errors()
            shares = world.shares()
        database.close()
    for number, body in bodies.items():
        print(f"\n{'─' * 20} comment on pull request #{number} {'─' * 20}\n\n{body}")
    print(f"\n{'─' * 20} the ledger {'─' * 20}\n")
    for target, cents in shares.items():
        name = "no pull request found" if target == "-" else f"pull request {target}"
        print(f"  {name:<24}{cents / 100:>10.2f}")
    print(
        f"  {'all that was used':<24}{sum(shares.values()) / 100:>10.2f} US$ at list price, {len(errors)} errors in the ledger"
    )
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(_page(bodies))
    print(f"\nAs GitHub shows them: {PAGE.absolute().as_uri()}")
    return 1 if errors else 0


def _week(world: World) -> None:
    world.at("Mon 09:00")
    world.work(
        """
        Mon 09:02 main       $0.42
        Mon 09:30 feat/limit $1.85 edits app/limiter.py
        Mon 11:10 feat/limit $0.96 commits 1f2e3d4
        """,
        "a3f9",
    )
    world.open_pull(12, "feat/limit", "1f2e3d4", title="Rate limit the ingest API")
    world.settle()
    world.at("Tue 10:00")
    world.work("Tue 09:05 feat/limit $0.38 commits 2a2b2c2", "77c0", "codex")
    world.push("feat/limit", "2a2b2c2")
    world.work("Tue 13:00 main $0.30\nTue 13:20 fix/retry $1.10\nTue 15:00 feat/limit $0.51", "e210")
    world.open_pull(13, "fix/retry", title="Retry on 503")
    world.settle()
    world.at("Wed 16:00")
    world.merge(12)
    world.work("Wed 17:00 spike/cache $6.20\nWed 18:00 spike/cache some-preview-model", "b7b7")
    world.open_pull(14, "spike/cache", title="Try a cache in front of the store")
    world.at("Fri 12:00")
    world.close(14)
    world.work("Fri 11:00 main $0.75", "d0d0")
    world.settle()


def _page(bodies: dict[int, str]) -> str:
    articles = "".join(
        f"<h2>Pull request #{number}</h2><article><header><b>mergecost</b> bot commented</header>{render(body)}</article>"
        for number, body in bodies.items()
    )
    return f'<!doctype html><meta charset="utf-8"><title>Mergecost demo</title><style>{STYLE}</style>{articles}'


if __name__ == "__main__":
    sys.exit(main())
