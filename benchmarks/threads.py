"""Many threads on one client, the server answering after 20 ms: calls a second, and TCP connections opened."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

from . import ours
from .contestants import Call
from .figures import Figures, Options
from .loopback import Loopback, serve
from .payload import ANSWERS, HEADERS, PATH, PAYMENT

_SERVER_MS = 20
_THREADS = (1, 8, 32, 64)
_ROUNDS = 5
_BURSTS = 15


def _urllib3_pool(url: str) -> Call:
    import urllib3

    pool = urllib3.PoolManager(maxsize=64)
    return lambda: pool.request("POST", url + PATH, json=PAYMENT, headers=HEADERS).data


def _requests_pool_of(size: int) -> Callable[[str], Call]:
    def make(url: str) -> Call:
        session = ours.session_with_pool(size)
        return lambda: session.post(url + PATH, json=PAYMENT, headers=HEADERS)

    return make


_BEST = "urllib3, maxsize=64"
_CONTESTANTS: dict[str, Callable[[str], Call]] = {
    _BEST: _urllib3_pool,
    "requests, default pool of 10": _requests_pool_of(10),
    "requests, pool of 64": _requests_pool_of(64),
    "molam, plain client": ours.plain,
    "molam, everything on": ours.full,
}


def measure(options: Options) -> Figures:
    """Closed loop: every thread calls again as soon as it has its answer."""
    rows: dict[str, dict[str, float]] = {name: {} for name in _CONTESTANTS}
    with serve(ANSWERS, delay_ms=_SERVER_MS) as server:
        for threads in _THREADS:
            runs = _interleaved(server, threads, lambda call, n: _closed_loop(call, n, options.seconds))
            for name, taken in runs.items():
                rows[name][f"{threads} thr. calls/s"] = round(median(run.rate for run in taken), 1)
                if threads == _THREADS[-1]:
                    rows[name] |= _at_most_threads(taken, runs[_BEST])
    note = f"{_ROUNDS} runs of {options.seconds:g} s each, in random order, a new client each; server {server.kind}"
    return Figures("threads", f"Threads on one client, server time {_SERVER_MS} ms, closed loop", rows, (note,))


def _at_most_threads(taken: list[_Run], best: list[_Run]) -> dict[str, float]:
    to_best = median(own.rate / other.rate for own, other in zip(taken, best, strict=True))
    return {
        "64 thr. to urllib3": round(to_best, 3),
        "64 thr. CPU µs a call": round(median(run.cpu_us for run in taken), 1),
        "64 thr. connections": max(run.connections for run in taken),
    }


def measure_bursts(options: Options) -> Figures:
    """64 threads at once, then silence; and 64 threads that think between calls."""
    rows: dict[str, dict[str, float]] = {name: {} for name in _CONTESTANTS}
    with serve(ANSWERS, delay_ms=_SERVER_MS) as server:
        for name, taken in _interleaved(server, 64, _bursts).items():
            rows[name]["burst of 64 ms"] = round(median(run.burst_ms for run in taken), 1)
            rows[name][f"connections in {_BURSTS} bursts"] = max(run.connections for run in taken)
        for name, taken in _interleaved(server, 64, lambda call, n: _thinking(call, n, options.seconds)).items():
            rows[name]["thinking calls/s"] = round(median(run.rate for run in taken), 1)
            rows[name]["thinking connections"] = max(run.connections for run in taken)
    note = f"{_ROUNDS} runs each, in random order; think time uniform from 0 to 100 ms; server {server.kind}"
    return Figures("bursts", f"64 threads in bursts, and with think time, server time {_SERVER_MS} ms", rows, (note,))


@dataclass(slots=True)
class _Run:
    calls: int = 0
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    burst_ms: float = 0.0
    connections: int = 0

    @property
    def rate(self) -> float:
        return self.calls / self.seconds

    @property
    def cpu_us(self) -> float:
        return self.cpu_seconds * 1e6 / self.calls


def _interleaved(server: Loopback, threads: int, run: Callable[[Call, int], _Run]) -> dict[str, list[_Run]]:
    runs: dict[str, list[_Run]] = {name: [] for name in _CONTESTANTS}
    for _ in range(_ROUNDS):
        for name in random.sample(tuple(_CONTESTANTS), len(_CONTESTANTS)):
            before = server.connections()
            taken = run(_CONTESTANTS[name](server.url), threads)
            taken.connections = server.connections() - before
            runs[name].append(taken)
    return runs


def _closed_loop(call: Call, threads: int, seconds: float) -> _Run:
    return _timed(call, threads, seconds, pause=lambda: None)


def _thinking(call: Call, threads: int, seconds: float) -> _Run:
    return _timed(call, threads, seconds, pause=lambda: time.sleep(random.uniform(0, 0.1)))


def _timed(call: Call, threads: int, seconds: float, pause: Callable[[], None]) -> _Run:
    """Calls that ended within ``seconds``; the first tenth, in which connections are opened, does not count."""
    counts = [0] * threads
    began = time.monotonic()
    warm, end = began + seconds / 10, began + seconds

    def lane(number: int) -> None:
        while time.monotonic() < end:
            call()
            counts[number] += warm < time.monotonic() < end
            pause()

    lanes = [threading.Thread(target=lane, args=(number,)) for number in range(threads)]
    cpu = time.process_time()
    for thread in lanes:
        thread.start()
    for thread in lanes:
        thread.join()
    share = (end - warm) / (time.monotonic() - began)
    return _Run(sum(counts), end - warm, (time.process_time() - cpu) * share)


def _bursts(call: Call, threads: int) -> _Run:
    """All threads call at the same moment, wait for each other, and pause; the first burst opens the connections."""
    gate = threading.Barrier(threads + 1)
    lengths: list[float] = []

    def lane() -> None:
        for _ in range(_BURSTS):
            gate.wait()
            call()
            gate.wait()

    lanes = [threading.Thread(target=lane) for _ in range(threads)]
    for thread in lanes:
        thread.start()
    for _ in range(_BURSTS):
        gate.wait()
        began = time.perf_counter()
        gate.wait()
        lengths.append((time.perf_counter() - began) * 1000)
        time.sleep(0.02)
    for thread in lanes:
        thread.join()
    return _Run(burst_ms=median(lengths[1:]))
