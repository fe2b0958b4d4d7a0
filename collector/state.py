"""What each server has already accepted, so that a push sends only what is new or has changed.

A cache in one small SQLite file: without it everything is sent again, which changes nothing on the server.
"""

import sqlite3
from collections.abc import Iterable
from hashlib import blake2b
from pathlib import Path
from types import TracebackType
from typing import Self

from collector.client import Parcel
from collector.files import private_file, private_folder
from collector.settings import Settings, SettingsError

_SCHEMA = """
CREATE TABLE IF NOT EXISTS accepted (
    account TEXT NOT NULL, tool TEXT NOT NULL, request_id TEXT NOT NULL, digest BLOB NOT NULL,
    PRIMARY KEY (account, tool, request_id)
) WITHOUT ROWID
"""


class State:
    """The file at `path`, created if missing. A context manager. Raises SettingsError if the file cannot be used."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> Self:
        try:
            private_folder(self._path.parent)
            private_file(self._path)
            self._connection = sqlite3.connect(self._path, timeout=10)
            self._connection.execute("PRAGMA trusted_schema = OFF")
            self._connection.execute(_SCHEMA)
        except (OSError, sqlite3.Error) as error:
            raise self._unusable(error) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()
        if isinstance(error, sqlite3.Error):
            raise self._unusable(error) from error

    def new(self, account: str, parcels: Iterable[Parcel]) -> list[Parcel]:
        """Those of `parcels` that are new to the account or have changed since."""
        rows = self._connection.execute("SELECT tool, request_id, digest FROM accepted WHERE account = ?", (account,))
        digests = {(tool, request_id): digest for tool, request_id, digest in rows}
        return [parcel for parcel in parcels if digests.get(parcel.key) != _digest(parcel.body)]

    def add(self, account: str, parcels: Iterable[Parcel]) -> None:
        """Record that the account has accepted `parcels`."""
        with self._connection:
            self._connection.executemany(
                "INSERT OR REPLACE INTO accepted VALUES (?, ?, ?, ?)",
                ((account, *parcel.key, _digest(parcel.body)) for parcel in parcels),
            )

    def _unusable(self, error: Exception) -> SettingsError:
        return SettingsError(
            f"cannot use {self._path}: {error}. Deleting it loses nothing; MERGECOST_STATE names another file."
        )


def account(settings: Settings) -> str:
    """The key of a server and a token, a digest: another person or server has accepted nothing yet."""
    return blake2b(f"{settings.url}\0{settings.token}".encode(), digest_size=16).hexdigest()


def _digest(body: bytes) -> bytes:
    return blake2b(body, digest_size=16).digest()
