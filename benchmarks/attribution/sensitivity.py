"""The engine's constants, and other values to try: an answer that hangs on one of them is not to be trusted."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from types import ModuleType

from attribution import repository_index, session
from attribution.rules import branches, commits, files


def _hours(*values: float) -> tuple[timedelta, ...]:
    return tuple(timedelta(hours=value) for value in values)


CONSTANTS: tuple[tuple[ModuleType, str, tuple[timedelta, ...]], ...] = (
    (commits, "HORIZON", _hours(6, 24, 72, 168, 720)),
    (commits, "PAUSE", _hours(0.25, 0.5, 1, 2, 4, 8)),
    (session, "CLOCKS", _hours(1 / 60, 1 / 12, 0.25)),
    (repository_index, "REWRITE_DELAY", _hours(0, 1 / 60, 1 / 6)),
    (branches, "CARRY", _hours(1, 8, 24, 72)),
    (branches, "SOON", _hours(1 / 60, 1 / 12, 1 / 4, 1)),
    (files, "NEAR", _hours(24, 72, 168)),
)


# Parts of rules, each with what stands for its absence.
REFINEMENTS: tuple[tuple[ModuleType, str, Callable[..., object]], ...] = (
    (commits, "stood_elsewhere", lambda *_: set[int]()),
    (commits, "is_whole", lambda *_: False),
    (session, "is_pushed", lambda *_: True),
    (repository_index, "merged_copies", lambda _: dict[str, object]()),
)


@contextmanager
def constant(module: ModuleType, name: str, value: object) -> Iterator[None]:
    before = getattr(module, name)
    setattr(module, name, value)
    try:
        yield
    finally:
        setattr(module, name, before)
