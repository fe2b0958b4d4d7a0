"""An event loop whose time passes at once: where it would wait for a timer, its clock jumps there."""

import asyncio
import selectors
from typing import Any


class _Selector(selectors.DefaultSelector):  # type: ignore[misc, valid-type]
    """Looks without waiting, and says how long it would have waited."""

    slept_seconds = 0.0

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(None if timeout is None else 0)
        if not ready and timeout:
            self.slept_seconds += timeout
        return ready


class HurriedLoop(asyncio.SelectorEventLoop):
    """For code that works in no other thread."""

    def __init__(self) -> None:
        self._hurried = _Selector()
        super().__init__(self._hurried)

    @property
    def slept_seconds(self) -> float:
        """What it would have waited so far."""
        return self._hurried.slept_seconds

    def time(self) -> float:
        return super().time() + self._hurried.slept_seconds


def run(work: Any) -> Any:
    with asyncio.Runner(loop_factory=HurriedLoop) as runner:
        return runner.run(work)
