"""Logs and texts that a tool compressed with zstd. Python includes zstd from 3.14 on."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

from attribution.tools.log import JsonLines
from collector.logs import Tally, UnreadableLog, matching_lines

# Of one conversation.
MAX_TEXT_BYTES = 256 * 1024 * 1024

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd


def lines(path: Path, source: JsonLines, tally: Tally) -> Iterator[bytes]:
    """`matching_lines` of a compressed file. Raises UnreadableLog."""
    try:
        with zstd.open(path, "rb") as file:
            yield from matching_lines(cast("BinaryIO", file), source, tally)
    except (zstd.ZstdError, EOFError) as error:
        raise UnreadableLog(str(error)) from error


def unzstd(data: bytes) -> str | None:
    """The text, or None if `data` is not compressed with zstd, or is longer than any text."""
    text = b""
    try:
        while data:
            unpacker = zstd.ZstdDecompressor()
            text += unpacker.decompress(data, MAX_TEXT_BYTES - len(text))
            if not unpacker.eof:
                return None
            data = unpacker.unused_data
    except zstd.ZstdError:
        return None
    return text.decode(errors="replace")
