"""A lock that goes to whoever asked first. `threading.Lock` goes to whoever runs next, which is most often its last holder."""

import threading
from collections import deque


class FairLock:
    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._is_taken = False
        self._queue: deque[threading.Event] = deque()

    def acquire(self, timeout_seconds: float) -> bool:
        """Whether it is the caller's, after so long at most."""
        with self._guard:
            if not self._is_taken:
                self._is_taken = True
                return True
            turn = threading.Event()
            self._queue.append(turn)
        turn.wait(timeout_seconds)
        with self._guard:
            if turn.is_set():  # by now, even if the time was up
                return True
            self._queue.remove(turn)
            return False

    def release(self) -> None:
        """The next in the queue has it at once: nobody comes between."""
        with self._guard:
            if self._queue:
                self._queue.popleft().set()
            else:
                self._is_taken = False
