"""Facts from files for `mergecost replay`: usage as `mergecost scan --json` prints it, pull requests as JSON lines or as the
GitHub CLI lists them. The formats are described in deploy/replay.md."""

import codecs
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import msgspec

from attribution.evidence import Correction, PullRequest
from attribution.gh import GhPull, from_gh, from_gh_pull
from attribution.usage import Usage
from attribution.usage_merge import unique
from bot.usage_validation import validate

# A replay has no current time: everything in a file has happened.
_EVER = datetime(9000, 1, 1, tzinfo=UTC)
# Shells on Windows write redirected output in these encodings.
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))

T = TypeVar("T")


class BadFacts(Exception):
    """A file that cannot be used; the message says where, and what is expected there."""


def usages(paths: Sequence[str]) -> list[Usage]:
    """Requests of one or several files, each once, by time. Raises BadFacts."""
    return unique(usage for path in paths for usage in _usages(path))


def _usages(path: str) -> Iterator[Usage]:
    """Checked as the server checks it."""
    for number, line in _numbered(_read(path)):
        usage = validate(msgspec.Raw(line), _EVER)
        if isinstance(usage, str):
            raise BadFacts(f"{path}, line {number}: expected a request, as `mergecost scan --json` prints it: {usage}")
        yield usage


def pulls(paths: Sequence[str]) -> list[PullRequest]:
    """Pull requests of one or several files. Raises BadFacts."""
    pulls: list[PullRequest] = []
    for path in paths:
        content = _read(path)
        if content.lstrip().startswith(b"["):
            try:
                pulls += from_gh(content)
            except msgspec.DecodeError as error:
                raise BadFacts(f"{path}: not what `gh pr list --json ...` prints: {error}") from None
        elif b'"headRefName"' in content:
            pulls += map(from_gh_pull, _lines(path, content, GhPull, "a pull request as `gh` prints it"))
        else:
            pulls += _lines(path, content, PullRequest, "a pull request in JSON")
    return pulls


def corrections(paths: Sequence[str]) -> list[Correction]:
    """Raises BadFacts."""
    return [
        correction for path in paths for correction in _lines(path, _read(path), Correction, "a correction in JSON")
    ]


def default_branch(pulls: Sequence[PullRequest]) -> str:
    """Where most pull requests go."""
    bases = Counter(pull.base_branch for pull in pulls if pull.base_branch)
    return max(bases, key=lambda name: (bases[name], name), default="main")


def _lines(path: str, content: bytes, kind: type[T], what: str) -> Iterator[T]:
    decoder = msgspec.json.Decoder(kind)
    for number, line in _numbered(content):
        try:
            yield decoder.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise BadFacts(f"{path}, line {number}: expected {what}: {error}") from None


def _numbered(content: bytes) -> Iterator[tuple[int, bytes]]:
    return ((number, line) for number, line in enumerate(content.splitlines(), 1) if line.strip())


def _read(path: str) -> bytes:
    try:
        content = sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
    except OSError as error:
        raise BadFacts(f"cannot read {path}: {error.strerror}") from None
    encoding = next((encoding for mark, encoding in _MARKS if content.startswith(mark)), "")
    return content.decode(encoding, errors="replace").encode() if encoding else content
