"""Who asked first has it first."""

from threading import Thread

from bot.store.fair_lock import FairLock

LONG = 3600


def test_it_goes_to_whoever_asked_first_and_not_back_to_its_last_holder():
    lock, order = FairLock(), list[str]()

    def wait(name: str) -> None:
        assert lock.acquire(LONG)
        order.append(name)
        lock.release()

    assert lock.acquire(0)
    threads: list[Thread] = []
    for name in "abc":
        threads.append(Thread(target=wait, args=(name,)))
        threads[-1].start()
        while len(lock._queue) < len(threads):
            pass
    lock.release()
    assert lock.acquire(LONG)
    order.append("again")
    lock.release()
    for thread in threads:
        thread.join()
    assert order == ["a", "b", "c", "again"]


def test_who_gives_up_leaves_the_queue():
    lock = FairLock()
    assert lock.acquire(0)
    assert not lock.acquire(0)
    lock.release()
    assert lock.acquire(0)
