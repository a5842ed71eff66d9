"""What one call costs: CPU and wall time, every contestant against a bare requests.Session.post, in one process."""

from __future__ import annotations

import asyncio
import gc
import random
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack, closing
from dataclasses import dataclass, field
from functools import partial
from statistics import median

from .contestants import BASELINE, CONTESTANTS, FEATURES, AsyncCall, Call, Contestant
from .figures import Figures, Options, p99
from .loopback import serve
from .payload import ANSWERS

_CALLS_A_ROUND = 25
_WARMING_CALLS = 4  # after the others' turns the caches hold the others' code


@dataclass(slots=True)
class _Samples:
    """Microseconds of every call, and the median of each round."""

    cpu: list[float] = field(default_factory=list)
    wall: list[float] = field(default_factory=list)
    rounds: list[float] = field(default_factory=list)

    def take(self, calls: list[tuple[int, int]]) -> None:
        cpu = [cpu / 1000 for cpu, _ in calls]
        self.cpu += cpu
        self.wall += [wall / 1000 for _, wall in calls]
        self.rounds.append(median(cpu))


def measure(options: Options) -> Figures:
    """Everyone who is installed."""
    return _figures("cost", "One call: everyone", CONTESTANTS, options)


def measure_features(options: Options) -> Figures:
    """Ours, without one feature at a time."""
    return _figures("features", "One call: what each feature costs", FEATURES, options)


def _figures(name: str, title: str, contestants: Sequence[Contestant], options: Options) -> Figures:
    chosen = [c for c in contestants if options.only in c.name or c.name == BASELINE]
    with serve(ANSWERS) as server, closing(asyncio.new_event_loop()) as loop:
        open_clients = AsyncExitStack()
        lanes = _lanes(chosen, server.url, loop, open_clients)
        samples = _race(lanes, options.rounds)
        loop.run_until_complete(open_clients.aclose())
    bare = samples[BASELINE]
    rows = {lane: _row(taken, bare) for lane, taken in samples.items()}
    return Figures(name, title, rows, (
        f"{options.rounds} rounds of {_CALLS_A_ROUND} calls each, contestants in a new random order every round; "
        f"server: {server.kind}, in a process of its own. The ratio is the median over the rounds.",
    ))  # fmt: skip


Lane = Callable[[int], list[tuple[int, int]]]


def _lanes(
    contestants: Sequence[Contestant], url: str, loop: asyncio.AbstractEventLoop, open_clients: AsyncExitStack
) -> dict[str, Lane]:
    """Each contestant's client, made once, as something that makes so many calls."""
    lanes: dict[str, Lane] = {}
    for contestant in contestants:
        try:
            if contestant.asynchronous:
                lane = _async_lane(contestant, url, loop, open_clients)
            else:
                lane = partial(_time, contestant.make(url))
        except ImportError as absent:
            print(f"left out: {contestant.name} ({absent})")
            continue
        lane(50)
        lanes[contestant.name] = lane
    return lanes


def _async_lane(
    contestant: Contestant, url: str, loop: asyncio.AbstractEventLoop, open_clients: AsyncExitStack
) -> Lane:
    call = loop.run_until_complete(open_clients.enter_async_context(contestant.make(url)))
    return lambda count: loop.run_until_complete(_time_async(call, count))


def _time(call: Call, count: int) -> list[tuple[int, int]]:
    taken = []
    for _ in range(count):
        cpu, wall = time.process_time_ns(), time.perf_counter_ns()
        call()
        taken.append((time.process_time_ns() - cpu, time.perf_counter_ns() - wall))
    return taken


async def _time_async(call: AsyncCall, count: int) -> list[tuple[int, int]]:
    taken = []
    for _ in range(count):
        cpu, wall = time.process_time_ns(), time.perf_counter_ns()
        await call()
        taken.append((time.process_time_ns() - cpu, time.perf_counter_ns() - wall))
    return taken


def _race(lanes: dict[str, Lane], rounds: int) -> dict[str, _Samples]:
    samples = {name: _Samples() for name in lanes}
    gc.collect()
    gc.freeze()  # the libraries of all contestants would else be walked in everyone's turn
    for _ in range(rounds):
        for name in random.sample(tuple(lanes), len(lanes)):
            lanes[name](_WARMING_CALLS)
            samples[name].take(lanes[name](_CALLS_A_ROUND))
    gc.unfreeze()
    return samples


def _row(taken: _Samples, bare: _Samples) -> dict[str, float]:
    return {
        "CPU µs": round(median(taken.cpu), 1),
        "CPU p99 µs": round(p99(taken.cpu), 1),
        "wall µs": round(median(taken.wall), 1),
        "wall p99 µs": round(p99(taken.wall), 1),
        "CPU ratio to Session.post": round(
            median(own / other for own, other in zip(taken.rounds, bare.rounds, strict=True)), 3
        ),
    }
