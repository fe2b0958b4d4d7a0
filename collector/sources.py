"""The logs that a tool's sources name on this machine, and their records: lines, documents or rows of a database."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from attribution.tools.log import Beside, JsonDocument, JsonLines, Source, Sqlite
from collector.logs import Position, Tally, UnreadableLog, matching_lines

MAX_DOCUMENT_BYTES = 256 * 1024 * 1024
MAX_BESIDE_BYTES = 1024 * 1024


def folders(source: Source, home: Path, env: Mapping[str, str]) -> list[Path]:
    """Where a tool may keep these logs: below the folder that a variable names, or else below `home`."""
    for variable, below in source.variables:
        if moved := env.get(variable):
            return [Path(moved, below)]
    return [home / folder for folder in source.folders]


def files(source: Source, below: Path) -> list[Path]:
    """Log files below a folder, in a stable order; a missing folder has none. A variable may name the one file itself."""
    if below.is_file():
        return [below]
    return sorted({path for pattern in source.patterns for path in below.glob(pattern) if path.is_file()})


def records(source: Source, path: Path, tally: Tally, position: Position | None = None) -> Iterator[bytes]:
    """The records of one log; of lines only those after `position`, which moves on. Raises UnreadableLog."""
    try:
        match source:
            case JsonLines() if path.suffix == ".zst":
                from collector.packed import lines  # noqa: PLC0415

                yield from lines(path, source, tally)
            case JsonLines():
                with path.open("rb", buffering=0) as file:
                    file.seek(position.offset if position else 0)
                    yield from matching_lines(file, source, tally, position)
            case JsonDocument() if path.stat().st_size <= MAX_DOCUMENT_BYTES:
                yield path.read_bytes()
            case Sqlite():
                from collector.stores import rows  # noqa: PLC0415 (SQLite only where a tool keeps a database)

                yield from rows(source, path)
            case _:
                raise UnreadableLog("too large")
    except OSError as error:
        raise UnreadableLog(error.strerror or str(error)) from error


def beside(source: Source, path: Path) -> Iterator[bytes]:
    for template in source.beside:
        if template == "{modified}":
            at = datetime.fromtimestamp(path.stat().st_mtime, UTC).isoformat()
            yield msgspec.json.encode(Beside(template, at))
            continue
        name = template.replace("{stem}", path.name.partition(".")[0]).replace("{folder}", path.parent.name)
        file = path.parent / name
        if file.is_file() and file.stat().st_size <= MAX_BESIDE_BYTES:
            yield msgspec.json.encode(Beside(template, file.read_text(errors="replace")))
