"""500 calls at a time on one event loop, the server answering after 20 ms: beside bare aiohttp, in one run."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from statistics import median
from typing import Any

from prometheus_client import CollectorRegistry

from . import ours
from .figures import Figures, Options, p99
from .loopback import Loopback, serve
from .payload import ANSWERS, HEADERS, PATH, PAYMENT

_SERVER_MS = 20
_AT_ONCE = 500
_ROUNDS = 7

Call = Callable[[], Awaitable[Any]]
Contestant = Callable[[str], AbstractAsyncContextManager[Call]]


@asynccontextmanager
async def _aiohttp(url: str) -> AsyncIterator[Call]:
    """As its users write it, without its limit of 100 connections; no retries, no breaker, no checks."""
    import aiohttp

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def post() -> Any:
            async with session.post(url + PATH, json=PAYMENT, headers=HEADERS) as response:
                return await response.json()

        yield post


@asynccontextmanager
async def _httpx(url: str) -> AsyncIterator[Call]:
    import httpx

    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
    async with httpx.AsyncClient(limits=limits, timeout=30, trust_env=False) as session:

        async def post() -> Any:
            return (await session.post(url + PATH, json=PAYMENT, headers=HEADERS)).json()

        yield post


@asynccontextmanager
async def _quiet(url: str) -> AsyncIterator[Call]:
    """As it comes: breaker, metrics, and a logger that nobody has turned up to INFO."""
    from molam_sdk import MolamAsyncClient

    async with MolamAsyncClient(ours.config(url), registry=CollectorRegistry()) as client:
        logging.getLogger("molam_sdk").setLevel(logging.WARNING)
        yield lambda: client.create_payment_intent(PAYMENT)


@asynccontextmanager
async def _view(url: str) -> AsyncIterator[Call]:
    from molam_sdk import MolamAsyncClient

    async with MolamAsyncClient(ours.config(url)) as client:
        view = client.client
        yield lambda: view.create_payment_intent(PAYMENT)


_BARE = "bare aiohttp"
_CONTESTANTS: dict[str, Contestant] = {
    _BARE: _aiohttp,
    "molam, everything on, a log line per call": ours.asynchronous,
    "molam, everything on, nobody logs at INFO": _quiet,
    "molam, without breaker, metrics, log line": _view,
    "httpx": _httpx,
}


def measure(options: Options) -> Figures:
    """Closed loop: every task calls again as soon as it has its answer."""
    present = {name: make for name, make in _CONTESTANTS.items() if name == _BARE or options.only in name}
    runs: dict[str, list[_Run]] = {name: [] for name in present}
    with serve(ANSWERS, delay_ms=_SERVER_MS) as server:
        for _ in range(_ROUNDS):
            for name in random.sample(tuple(present), len(present)):
                runs[name].append(asyncio.run(_run(present[name], server, options.seconds)))
    rows = {name: _row(taken, runs[_BARE]) for name, taken in runs.items()}
    note = f"{_ROUNDS} runs of {options.seconds:g} s each, in random order, a new client each; server {server.kind}"
    return Figures("async", f"{_AT_ONCE} calls at a time on one event loop, server time {_SERVER_MS} ms", rows, (note,))


@dataclass(slots=True)
class _Run:
    rate: float
    cpu_us: float
    p50_ms: float
    p99_ms: float
    connections: int


def _row(taken: list[_Run], bare: list[_Run]) -> dict[str, float]:
    to_bare = median(own.rate / other.rate for own, other in zip(taken, bare, strict=True))
    return {
        "calls/s": round(median(run.rate for run in taken), 1),
        "to bare aiohttp": round(to_bare, 3),
        "CPU µs a call": round(median(run.cpu_us for run in taken), 1),
        "p50 ms": round(median(run.p50_ms for run in taken), 1),
        "p99 ms": round(median(run.p99_ms for run in taken), 1),
        "connections": max(run.connections for run in taken),
    }


async def _run(contestant: Contestant, server: Loopback, seconds: float) -> _Run:
    """The first calls, in which connections are opened, do not count."""
    before = server.connections()
    async with contestant(server.url) as call:
        await asyncio.gather(*(_lane(call, time.perf_counter()) for _ in range(_AT_ONCE)))
        cpu, began = time.process_time(), time.perf_counter()
        lanes = await asyncio.gather(*(_lane(call, began + seconds) for _ in range(_AT_ONCE)))
        cpu, took = time.process_time() - cpu, time.perf_counter() - began
        waits = [wait * 1000 for lane in lanes for wait in lane]
        opened = server.connections() - before
    return _Run(len(waits) / took, cpu * 1e6 / len(waits), median(waits), p99(waits), opened)


async def _lane(call: Call, until: float) -> list[float]:
    """One task's calls, at least one, and how long each took, in seconds."""
    waits: list[float] = []
    while True:
        began = time.perf_counter()
        await call()
        ended = time.perf_counter()
        waits.append(ended - began)
        if ended >= until:
            return waits
