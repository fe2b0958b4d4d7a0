"""What every use-case needs, handed in once: database, clock, GitHub and settings."""

import hashlib
import hmac

import httpx
import msgspec

from bot.clock import Clock
from bot.github.client import GitHubApp
from bot.notify import Outbox
from bot.repository_settings import OperatorSettings, Problem, RepositorySettings, operator_values, read_repository
from bot.settings import Settings
from bot.store.database import Database
from bot.store.tables import Repository
from bot.work.stale import Stale


class Outside(msgspec.Struct, kw_only=True):
    """How the world is reached: GitHub by `github_transport` (None is the network), all else by the `outbox`."""

    github_transport: httpx.AsyncBaseTransport | None = None
    outbox: Outbox = msgspec.field(default_factory=Outbox)


class Bot(msgspec.Struct, kw_only=True):
    """The running bot. `github` acts as the App that the server was made for. A piece of work that may write to GitHub within
    `patience_ms` waits for it; one that may not yet is put off."""

    settings: Settings
    operator: OperatorSettings
    database: Database
    clock: Clock
    github: GitHubApp
    outbox: Outbox
    patience_ms: int = 0

    def marker(self, kind: str, key: tuple[int, ...]) -> str:
        """An invisible first line that only this App can write for this place: a copied one is worthless elsewhere."""
        place = "/".join(str(part) for part in (kind, *key))
        proof = hmac.digest(self.github.credentials.webhook_secret.encode(), f"marker {place}".encode(), hashlib.sha256)
        return f"<!-- mergecost {kind} {proof.hex()[:32]} -->"

    def repository_settings(self, repository: Repository) -> tuple[RepositorySettings, Problem | None]:
        """A repository's settings, and what is wrong in its own file."""
        return settings_of(self.operator, repository)

    def stale(self, repository: Repository) -> Stale:
        """For asking for what depends on a fact of this repository that changes."""
        return Stale(self.clock(), self.repository_settings(repository)[0])


def settings_of(operator: OperatorSettings, repository: Repository) -> tuple[RepositorySettings, Problem | None]:
    """A repository's settings, with the time zone by whose days its ledger is summed up: another one holds as soon as that is done
    (`bot/time_zone.py`)."""
    settings, problem = wanted_settings(operator, repository)
    return msgspec.structs.replace(settings, time_zone=repository.time_zone), problem


def wanted_settings(operator: OperatorSettings, repository: Repository) -> tuple[RepositorySettings, Problem | None]:
    """A repository's settings as the files say them."""
    return read_repository(repository.settings_text, operator_values(operator, repository.full_name))
