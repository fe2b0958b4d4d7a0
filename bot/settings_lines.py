"""`name: value` lines in YAML, as a settings file holds them: plain values, and nothing that refers, merges or nests.

Read as a stream of events, so that no anchor is followed and no value built: https://pyyaml.org/wiki/PyYAMLDocumentation
"""

import re
from collections.abc import Iterator
from decimal import Decimal

import msgspec
import yaml

LONGEST = 10_000
MOST_LINES = 100
NOT_LINES = "must be `name: value` lines"
# YAML 1.1, which people's editors know, has these: https://yaml.org/type/bool.html, https://yaml.org/type/null.html
_WORDS = {
    "true": True,
    "yes": True,
    "on": True,
    "false": False,
    "no": False,
    "off": False,
    "null": None,
    "~": None,
    "": None,
}
_NUMBER = re.compile(r"[-+]?\d{1,12}(?:\.\d{0,12})?")


class Nested(msgspec.Struct, frozen=True):
    """Stands for a list, a mapping, an alias, or a value with an anchor or tag."""


class Line(msgspec.Struct, frozen=True):
    """`number` counts from 1."""

    number: int
    name: str
    value: bool | int | Decimal | str | Nested | None


class LinesError(Exception):
    """The text is not made of such lines; `line` is 0 where no single line is wrong."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line


def read(text: str) -> list[Line]:
    """The lines of a settings file. Raises `LinesError`."""
    if len(text) > LONGEST:
        raise LinesError(0, f"holds more than {LONGEST:,} characters")
    events = _events(text)
    first = next(events, None)
    if first is None or (isinstance(first, yaml.ScalarEvent) and _value(first) is None):
        return []
    if not isinstance(first, yaml.MappingStartEvent):
        raise LinesError(1, NOT_LINES)
    lines: list[Line] = []
    for event in events:
        number = event.start_mark.line + 1
        if isinstance(event, yaml.MappingEndEvent):
            break
        if not isinstance(event, yaml.ScalarEvent):
            raise LinesError(number, NOT_LINES)
        if len(lines) == MOST_LINES:
            raise LinesError(number, f"holds more than {MOST_LINES} settings")
        lines.append(Line(number, event.value, _value_of(events)))
    if next(events, None) is not None:
        raise LinesError(0, "holds more than one document")
    return lines


def _events(text: str) -> Iterator[yaml.NodeEvent | yaml.CollectionEndEvent]:
    """What stands in the text, without where streams and documents begin and end."""
    try:
        for event in yaml.parse(text, yaml.SafeLoader):
            if isinstance(event, yaml.NodeEvent | yaml.CollectionEndEvent):
                yield event
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise LinesError(mark.line + 1 if mark else 0, "not YAML") from None
    except (ValueError, OverflowError):  # of an escape or a version number that is none
        raise LinesError(0, "not YAML") from None


def _value_of(events: Iterator[yaml.NodeEvent | yaml.CollectionEndEvent]) -> bool | int | Decimal | str | Nested | None:
    """The value that comes next; one that nests is read over."""
    depth = 0
    for event in events:
        if isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        elif isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif depth == 0:
            return _value(event)
        if depth == 0:
            break
    return Nested()


def _value(event: yaml.NodeEvent) -> bool | int | Decimal | str | Nested | None:
    """Decimals stay exact. What is quoted, and what is neither a word nor a number of ours, such as a date, is text."""
    if not isinstance(event, yaml.ScalarEvent) or event.tag is not None or event.anchor is not None:
        return Nested()
    value = event.value
    if event.style is not None:
        return value
    if value.lower() in _WORDS:
        return _WORDS[value.lower()]
    number = value.replace("_", "")
    if not _NUMBER.fullmatch(number):
        return value
    return Decimal(number) if "." in number else int(number)
