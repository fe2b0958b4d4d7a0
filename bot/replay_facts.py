"""Facts from files for `mergecost replay`: usage as `mergecost scan --json` prints it, pull requests as JSON lines or as the
GitHub CLI lists them. The formats are described in deploy/replay.md."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import msgspec

from attribution.evidence import Correction, PullRequest
from attribution.gh import from_gh
from attribution.tools import unique
from attribution.usage import Usage

T = TypeVar("T")


class BadFacts(Exception):
    """A file that cannot be used; the message says where, and what is expected there."""


def usages(paths: Sequence[str]) -> list[Usage]:
    """Requests of one or several files, each once, by time. Raises BadFacts."""
    return unique(
        usage for path in paths for usage in _lines(path, Usage, "a request, as `mergecost scan --json` prints it")
    )


def pulls(paths: Sequence[str]) -> list[PullRequest]:
    """Pull requests of one or several files. Raises BadFacts."""
    found: list[PullRequest] = []
    for path in paths:
        content = _read(path)
        if content.lstrip().startswith(b"["):
            try:
                found += from_gh(content)
            except msgspec.DecodeError as error:
                raise BadFacts(f"{path}: not what `gh pr list --json ...` prints: {error}") from None
        else:
            found += _lines(path, PullRequest, "a pull request in JSON", content)
    return found


def corrections(paths: Sequence[str]) -> list[Correction]:
    return [one for path in paths for one in _lines(path, Correction, "a correction in JSON")]


def _lines(path: str, kind: type[T], expected: str, content: bytes | None = None) -> Iterator[T]:
    decoder = msgspec.json.Decoder(kind)
    for number, line in enumerate((_read(path) if content is None else content).splitlines(), 1):
        if not line.strip():
            continue
        try:
            yield decoder.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise BadFacts(f"{path}, line {number}: expected {expected}: {error}") from None


def _read(path: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
    except OSError as error:
        raise BadFacts(f"cannot read {path}: {error.strerror}") from None
