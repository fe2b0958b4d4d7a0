"""Histories of developers, as collectors send them, and an account that takes them."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import msgspec

from attribution.protocol import SENT_REQUESTS
from attribution.usage import NO_WORK, Context, ContextSource, Tokens, Usage, Work
from bot.store import accounts as account_store
from bot.store import repositories as repository_store
from bot.store import tokens as token_store
from bot.store.database import Database
from bot.store.repositories import RepositoryFacts

FIRST = datetime.now(UTC).replace(microsecond=0) - timedelta(days=90)
_PER_SESSION = 40


def history(developer: int, count: int) -> Iterator[Usage]:
    """So many requests, one a minute: sessions of forty, every fifth request edits a file."""
    chance = random.Random(developer)
    for i in range(count):
        yield Usage(
            tool="claude-code",
            session_id=f"{developer:04x}-{i // _PER_SESSION:031x}",
            request_id=f"msg_{chance.getrandbits(96):024x}",
            aliases=(f"req_{chance.getrandbits(96):024x}",),
            at=FIRST + timedelta(minutes=i % 120_000),
            model=chance.choice(["claude-opus-5", "claude-sonnet-5"]),
            tokens=Tokens(
                output=chance.randrange(3000),
                cache_read=chance.randrange(200_000),
                cache_write_5m=chance.randrange(9000),
                uncached_input=chance.randrange(900),
            ),
            context=Context(
                source=ContextSource.REFLOG,
                repository="o1/r",
                branch=f"feat/{developer}-{i // 200}",
                commit=f"{developer:08x}{i // 50:032x}",
                author=f"{developer:016x}",
            ),
            work=NO_WORK if i % 5 else Work(edited_files=(f"src/module_{i % 50}.py",)),
        )


def bodies(developer: int, count: int) -> list[bytes]:
    """The history in batches, as a collector sends them."""
    lines = [msgspec.json.encode(usage) for usage in history(developer, count)]
    chunks = [lines[start : start + SENT_REQUESTS] for start in range(0, count, SENT_REQUESTS)]
    return [b'{"requests":[' + b",".join(chunk) + b"]}" for chunk in chunks]


def account(database: Database, account_id: int = 1) -> str:
    """Install the App on `o1/r` (of account 1); the token of its collectors."""
    facts = RepositoryFacts(repository_id=account_id, full_name=f"o{account_id}/r", private=True, default_branch="main")
    with database.write() as connection:
        account_store.save_account(database, connection, account_id, f"o{account_id}", account_id, suspended=False)
        repository_store.save_repositories(database, connection, account_id, [facts])
        return token_store.new(connection, account_id, "benchmark", 0)
