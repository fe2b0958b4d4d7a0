"""Work between threads and an event loop: computing and transactions in threads, waiting for the network on the loop.

A use-case is a coroutine with blocking transactions in it. `in_threads` runs it in a thread up to its next call of the network,
lets the loop make the call, and goes on in a thread with the answer: a slow answer blocks no thread, a slow transaction no loop.
"""

import asyncio
import threading
import types
from collections.abc import Callable, Coroutine, Generator
from concurrent.futures import Executor, Future
from functools import partial
from queue import SimpleQueue
from typing import Any, TypeAlias, TypeVar

T = TypeVar("T")

Call: TypeAlias = Coroutine[Any, Any, Any]


async def on_loop(call: Coroutine[Any, Any, T]) -> T:
    """What `call` returns, awaited on the event loop: on that which runs here, else on that of `in_threads`."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return await _request(call)
    return await call


async def in_threads(work: Coroutine[Call, Any, None], executor: Executor) -> None:
    """Run `work` in threads, except for its calls of `on_loop`."""
    resume: Callable[[], Call] = partial(work.send, None)
    while True:
        step = executor.submit(_step, resume)
        try:
            call = await asyncio.wrap_future(step)
        except asyncio.CancelledError:
            step.add_done_callback(_close)
            raise
        if call is None:
            return
        answer = asyncio.ensure_future(call)
        try:
            await asyncio.wait([answer])
        finally:
            answer.cancel()  # where nobody waits for it any more
        error = answer.exception()
        resume = partial(work.send, answer.result()) if error is None else partial(work.throw, error)


@types.coroutine
def _request(call: Call) -> Generator[Call, Any, Any]:
    return (yield call)


def _step(resume: Callable[[], Call]) -> Call | None:
    """Up to the next call; None at the end of the work. (StopIteration cannot leave through a future.)"""
    try:
        return resume()
    except StopIteration:
        return None


def _close(step: "Future[Call | None]") -> None:
    """The call that a step came to is made by nobody any more."""
    if not step.cancelled() and step.exception() is None and (call := step.result()) is not None:
        call.close()


class DaemonThreads(Executor):
    """So many threads, which do not keep the process from ending, as those of ThreadPoolExecutor do."""

    def __init__(self, count: int, name: str) -> None:
        self._steps: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._count = count
        for nth in range(count):
            threading.Thread(target=self._work, name=f"{name}-{nth}", daemon=True).start()

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> "Future[T]":
        future: Future[T] = Future()

        def step() -> None:
            if not future.set_running_or_notify_cancel():  # nobody waits for it any more
                return
            try:
                future.set_result(fn(*args, **kwargs))
            except BaseException as error:  # noqa: BLE001 - not handled here: raised where the result is awaited
                future.set_exception(error)

        self._steps.put(step)
        return future

    @property
    def backlog(self) -> int:
        """How many steps wait for a thread."""
        return self._steps.qsize()

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: ARG002 - as `Executor` has it
        """The threads end after what was submitted before; nobody waits for them."""
        for _ in range(self._count):
            self._steps.put(None)

    def _work(self) -> None:
        while (step := self._steps.get()) is not None:
            step()
