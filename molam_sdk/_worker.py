"""Workers of what is stored and due: threads that take one thing after the other, until they are told to stop."""

from __future__ import annotations

import contextlib
import math
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from logging import Logger
from typing import Any, Final, Protocol

_LISTEN_EVERY: Final = 0.2
_LONGEST_PAUSE: Final = 30.0


class RunsWhatIsDue(Protocol):
    """What a worker works on, one piece at a time in each thread."""

    def run_next(self) -> bool:
        """Take the next piece that is due, run it and settle it; False where none is due."""
        ...

    def leave_thread(self) -> None:
        """Called by a thread that ends."""
        ...


@dataclass(frozen=True, slots=True)
class Chore:
    """What is done beside the work, every so many seconds. ``do`` is given a function that says whether to stop."""

    every: float
    do: Callable[[Callable[[], bool]], object]


class Worker:
    """Runs what is due in ``threads`` threads, looking every ``poll_seconds``.

    Any number of workers, on any number of machines, share what is stored: each piece goes to one. ``stop`` lets what
    runs come to its end, and takes no more.
    """

    name = "molam"
    cannot = "what is stored cannot be worked on"
    stops = "worker stops when what runs is settled"

    def __init__(
        self, due: RunsWhatIsDue, *, threads: int, poll_seconds: float, chores: Sequence[Chore], logger: Logger
    ) -> None:
        self._due, self._threads, self._poll, self._chores, self._logger = due, threads, poll_seconds, chores, logger
        self._stop = threading.Event()
        self._signals: list[int] = []
        self._counting = threading.Lock()
        self._count = 0

    def stop(self) -> None:
        """Have ``run`` return once what runs now is settled. May be called from any thread, and twice."""
        self._stop.set()

    def run(self) -> int:
        """Work until ``stop``; how many were run. A database that is away is waited for."""
        threads = [
            threading.Thread(target=self._work, name=f"{self.name}-{number}", daemon=True)
            for number in range(self._threads)
        ]
        for thread in threads:
            thread.start()
        try:
            self._keep_house()
        finally:
            self.stop()
            for thread in threads:
                thread.join()
        return self._count

    def run_until_signal(self) -> int:
        """As ``run``; SIGTERM and Ctrl-C stop it, a second one ends it at once. Only in the main thread."""
        with _noting_signals(self._signals):
            return self.run()

    def run_until_empty(self, *, for_seconds: float = math.inf) -> int:
        """Run what is due, one after the other in this thread, and return: for cron, tests, and tasks of a queue.

        None is begun after ``for_seconds``. What the database raises is raised here.
        """
        before, end = self._count, time.monotonic() + for_seconds
        while not self._stop.is_set() and time.monotonic() < end and self._run_next():
            pass
        return self._count - before

    def _work(self) -> None:
        failures = 0
        try:
            while not self._stop.is_set():
                try:
                    found = self._run_next()
                except BaseException:  # what it raised is settled; a database comes back
                    failures += 1
                    self._logger.exception(self.cannot)
                    self._stop.wait(min(_LONGEST_PAUSE, self._poll * 2**failures))
                    continue
                failures = 0
                if not found:
                    self._stop.wait(self._poll)
        finally:
            self._due.leave_thread()

    def _run_next(self) -> bool:
        """Run one piece, if one is due."""
        if not self._due.run_next():
            return False
        with self._counting:
            self._count += 1
        return True

    def _is_stopping(self) -> bool:
        return bool(self._signals) or self._stop.is_set()

    def _keep_house(self) -> None:
        """Do the chores when they are due, until it is time to stop."""
        due_at = [time.monotonic() for _ in self._chores]
        while not self._stop.wait(_LISTEN_EVERY):
            if self._signals:
                self._logger.info(self.stops)
                return
            for number, chore in enumerate(self._chores):
                if time.monotonic() >= due_at[number]:
                    due_at[number] = time.monotonic() + chore.every
                    with contextlib.suppress(Exception):
                        chore.do(self._is_stopping)


@contextlib.contextmanager
def _noting_signals(noted: list[int]) -> Iterator[None]:
    """Note the first SIGTERM or SIGINT, and let the second one do what it did before.

    Only noted: the thread that is interrupted may hold the very lock that an ``Event.set`` wants.
    """

    def first(number: int, frame: Any) -> None:
        for each, handler in before.items():
            signal.signal(each, handler)
        noted.append(number)

    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    for number in before:
        signal.signal(number, first)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
