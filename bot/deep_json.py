"""JSON that nests too deeply to be read: what is too deep in it is left out, so that the rest can be read."""

import re

# Far more than any record has, and far less than a reader takes.
MOST_LEVELS = 500
# A text as a whole, so that no bracket in it counts.
_PIECE = re.compile(rb'[\[{]++|[\]}]++|"(?:[^"\\]|\\.)*+"?', re.DOTALL)


def without_depths(body: bytes, most_levels: int = MOST_LEVELS) -> bytes:
    """The body with `0` in place of whatever stands deeper than so many lists and objects. Whether it is JSON is for the
    reader to say."""
    kept: list[bytes] = []
    level = from_place = 0
    for piece in _PIECE.finditer(body):
        first, start, end = body[piece.start()], piece.start(), piece.end()
        if first in b"[{":
            if level <= most_levels < level + end - start:
                kept += [body[from_place : start + most_levels - level], b"0"]
            level += end - start
        elif first in b"]}":
            if level - (end - start) <= most_levels < level:
                from_place = start + level - most_levels
            level -= end - start
    return b"".join([*kept, body[from_place:]]) if level <= most_levels else body
