"""A line an event: text on a terminal, JSON elsewhere."""

import io
import json
import logging
from collections.abc import Iterator

import pytest

from bot import journal


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def test_programs_get_an_object_a_line():
    stream = io.StringIO()
    journal.configure(stream)
    journal.note("comment written", repository="acme/widgets", number=12)
    logging.getLogger("bot.worker").warning("pull %d failed", 12)
    first, second = map(json.loads, stream.getvalue().splitlines())
    assert {**first, "at": ""} == {
        "at": "",
        "level": "info",
        "event": "comment written",
        "repository": "acme/widgets",
        "number": 12,
    }
    assert (second["level"], second["event"], second["logger"]) == ("warning", "pull 12 failed", "bot.worker")


def test_people_get_words():
    stream = Terminal()
    journal.configure(stream)
    journal.note("delivery", of="pull_request", delivery="line\nbreak", status=202)
    logging.getLogger("bot").error("broken")
    first, second = stream.getvalue().splitlines()
    assert first.partition(" ")[2] == "delivery of=pull_request delivery='line\\nbreak' status=202"
    assert second.partition(" ")[2] == "error broken"


def test_a_traceback_is_part_of_its_line():
    stream = io.StringIO()
    journal.configure(stream)
    try:
        raise ValueError("odd")
    except ValueError:
        logging.getLogger("bot").exception("failed")
    (line,) = map(json.loads, stream.getvalue().splitlines())
    assert line["trace"].endswith("ValueError: odd")
