"""What a module for an AI tool offers, and how a log is read without ever failing."""

from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Protocol, TypeAlias, TypeVar

import msgspec

from attribution.money import Micros, from_usd
from attribution.usage import Usage

T = TypeVar("T")

# Proxies write null for what they do not count. The bound keeps nonsense out of every later sum.
Count: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=10**12)] | None
Text: TypeAlias = str | None
Instant: TypeAlias = Annotated[datetime, msgspec.Meta(tz=True)]


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """Where a tool keeps logs: files that match the globs `patterns` below a folder.

    `folders` are relative to home: one for each operating system or version that has its own; all that exist are read. The first
    of `variables` that is set replaces them: the name of an environment variable, and the path below the folder that it names.
    `beside` names small files that a log needs, relative to the log's own folder, where `{stem}` is the log's name without its
    suffixes and `{folder}` the name of its folder; those that exist come before the log's records, as `Beside` in JSON.
    `{modified}` is no file but the time at which the log was last written, for tools that write down no times.
    """

    folders: tuple[str, ...]
    variables: tuple[tuple[str, str], ...] = ()
    patterns: tuple[str, ...]
    beside: tuple[str, ...] = ()


class JsonLines(Source, frozen=True, kw_only=True):
    """One JSON value a line; only lines that hold one of `needles`, the likeliest first, are worth decoding. `bulk` is a regular
    expression: what begins like it is worth nothing, however long it is, and is not searched. `.jsonl.zst` is unpacked."""

    needles: tuple[bytes, ...]
    bulk: bytes = b""


class JsonDocument(Source, frozen=True, kw_only=True):
    """Each file is one JSON document, and one record."""


class Sqlite(Source, frozen=True, kw_only=True):
    """Each file is an SQLite database, opened read-only. A row of `queries` is one column, JSON text, and one record.

    A query whose tables or columns the database lacks gives no rows: list one for each generation of the schema. The function
    `unzstd(blob)` is there for tools that pack their text.
    """

    queries: tuple[str, ...]


class Beside(msgspec.Struct, frozen=True):
    """A file beside a log: `beside` is its name, `content` its text."""

    beside: str
    content: str


_BESIDE = msgspec.json.Decoder(Beside)


class LogRead(msgspec.Struct, kw_only=True):
    """Requests of one log, each once. `unreadable_records` are no JSON or of no known shape, `skipped_records` say that they
    are no request to a model (a placeholder after an error). `carry` are records to read again, in front of what the log gains,
    so that reading it in pieces comes to the same; None where it must be read as a whole."""

    requests: list[Usage]
    carry: tuple[bytes, ...] | None = None
    unreadable_records: int = 0
    skipped_records: int = 0


class OpenRecords:
    """Records that a reader must see again when its log has grown, such as calls that have no answer yet. In their order."""

    MOST = 1000

    def __init__(self) -> None:
        self._count = 0
        self._record = b""
        self._records: dict[str, tuple[int, bytes]] = {}

    def see(self, record: bytes) -> None:
        self._count, self._record = self._count + 1, record

    def keep(self, name: str) -> None:
        """Keep the record that is being read, in place of what had that name."""
        self._records[name] = self._count, self._record

    def keep_as(self, name: str, other: str) -> None:
        """Keep what `other` names also under this name."""
        if other in self._records:
            self._records[name] = self._records[other]

    def drop(self, name: str) -> None:
        self._records.pop(name, None)

    @property
    def records(self) -> tuple[bytes, ...] | None:
        if len(self._records) > self.MOST:
            return None
        return tuple(record for _, record in sorted(set(self._records.values())))


class Tool(Protocol):
    """A module that knows one AI tool. List it in `attribution.tools.TOOLS`."""

    @property
    def NAME(self) -> str: ...

    @property
    def TITLE(self) -> str:
        """As its makers write it."""
        ...

    @property
    def LOGS(self) -> tuple[Source, ...]: ...

    def read_log(self, records: Iterable[bytes], name: str = "") -> LogRead:
        """Requests in the records of one log, in their order there. `name` is its path below the source's folder, for tools
        that keep facts in it. Never raises on what a record holds. Paths in `edited_files` are absolute, or relative to `cwd`."""
        ...


def decode(decoder: msgspec.json.Decoder[T], record: bytes | msgspec.Raw) -> T | None:
    """The value, or None for what is no JSON or of another shape."""
    try:
        return decoder.decode(record)
    except UnicodeDecodeError:
        return decode(decoder, bytes(record).decode(errors="replace").encode())
    except (msgspec.DecodeError, RecursionError):
        return None


def stands_beside(record: bytes) -> Beside | None:
    """The file beside a log that a record is, None for a record of the log itself. A damaged one says nothing."""
    if not record.startswith(b'{"beside":'):
        return None
    return decode(_BESIDE, record) or Beside("", "")


def usd_micros(usd: float | None) -> Micros | None:
    """The dollars that a tool itself says, in millionths; its 0 stands for "not known"."""
    return from_usd(Decimal(str(usd))) if usd else None


def utc(at: datetime) -> datetime:
    """`at` in UTC. The first and last hours of the calendar cannot be moved and are taken as they stand."""
    try:
        return at.astimezone(UTC)
    except OverflowError:
        return at.replace(tzinfo=UTC)
