"""A merchant as a process that may die at any time: its orders stand in a file, and it does what the errors say."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import random
import sys
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from molam_sdk import (
    AuthenticationError,
    CircuitOpenError,
    ClientConfig,
    DeclinedError,
    MolamAsyncClient,
    MolamError,
    MolamSyncClient,
)

_call: ContextVar[str] = ContextVar("_call", default="")


class SaysCall:
    """An observer that names the merchant's call in every request of it."""

    def call_started(self, start: Any) -> Mapping[str, str]:
        return {"X-Call": _call.get()}

    def call_ended(self, record: Any) -> None:
        pass


@dataclass
class Table:
    """The merchant's database: a file that is only appended to, a line per fact, read again after a death."""

    path: Path
    seed: int
    keys: dict[str, str] = field(default_factory=dict)
    done: dict[str, str] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def read(self) -> None:
        for line in self.path.read_text().splitlines() if self.path.exists() else ():
            try:
                self._take_in(json.loads(line))
            except ValueError:
                continue  # the line that death cut short

    def note(self, **fact: Any) -> None:
        line = json.dumps(fact)
        with self.lock, self.path.open("a") as file:
            self._take_in(fact)
            file.write(f"\n{line}")

    def key_of(self, step: str) -> str:
        """The idempotency key of a step; written down before it is used for the first time."""
        if step not in self.keys:
            salt = hashlib.sha256(f"{self.seed} {step}".encode()).hexdigest()[:8]
            self.note(step=step, key=f"{step}-{salt}")
        return self.keys[step]

    def _take_in(self, fact: dict[str, Any]) -> None:
        if "key" in fact:
            self.keys[fact["step"]] = fact["key"]
        if "done" in fact:
            self.done[fact["step"]] = fact["done"]


@dataclass(frozen=True)
class Settings:
    """What the merchant is told on its command line."""

    kind: str
    url: str
    api_key: str
    seed: int
    table: str
    first: int
    last: int
    width: int

    def config(self) -> ClientConfig:
        return ClientConfig(api_key=self.api_key, base_url=self.url, timeout_connect=1, timeout_read=0.3,
                            timeout_total=1.5, max_retries=2, retry_backoff_factor=0.01,
                            bulkheads={"payments": max(2, self.width - 2)}, bulkhead_wait=0.02)  # fmt: skip

    def breaker(self) -> dict[str, Any]:
        return {"cb_fail_max": 12, "cb_reset_timeout": 0.2, "observers": [SaysCall()]}


def is_bad_card(order: int) -> bool:
    """Every twentieth customer pays with a card that is declined."""
    return order % 20 == 7


def steps_of(order: int) -> tuple[tuple[str, str], ...]:
    """The steps of an order, by operation."""
    if order % 10 == 3:
        return ((f"o{order}-payout", "create_payout"),)
    return ((f"o{order}-create", "create_payment_intent"), (f"o{order}-confirm", "confirm_payment_intent"))


class Merchant:
    """What both kinds share: what to send, what to note down, how long to wait, and when to give up."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.table = Table(Path(settings.table), settings.seed)
        self.table.read()

    def arguments(self, order: int, operation: str) -> tuple[Any, ...]:
        if operation == "confirm_payment_intent":
            return (self.table.done[f"o{order}-create"],)
        card = {"sandbox": "card_declined"} if is_bad_card(order) else {}
        if operation == "create_payout":
            return ({"amount": 5, "currency": "USD", "beneficiary": f"b{order}", "origin_module": "chaos",
                     "origin_entity": "shop", "metadata": {"order_id": f"o{order}"}},)  # fmt: skip
        return ({"amount": 10, "currency": "USD", "metadata": {"order_id": f"o{order}"} | card},)

    def succeeded(self, step: str, call: str, answer: Any) -> None:
        self.table.note(step=step, done=answer.id, call=call, replayed=answer.replayed)

    def failed(self, step: str, calls: list[str], error: MolamError) -> float | None:
        """Note the claim; seconds to wait before asking again, or None if the order is lost for good."""
        self.table.note(step=step, claim=error.outcome, error=type(error).__name__, calls=calls,
                        under=error.idempotency_key, attempts=error.attempts, text=str(error)[:200])  # fmt: skip
        if isinstance(error, DeclinedError):
            self.table.note(step=step, done="declined", call=calls[-1])
            return None
        if error.outcome == "rejected" and not _may_pass(error):
            raise error
        return min(error.retry_after or 0.02, 0.3)

    def resolves(self, step: str, error: MolamError) -> bool:
        """Half of the doubts are resolved, the others asked again by the merchant itself."""
        if error.outcome not in ("unknown", "accepted"):
            return False
        return random.Random(f"{self.settings.seed}:{step}:{error.attempts}").random() < 0.5

    def orders(self) -> range:
        return range(self.settings.first, self.settings.last)


def _may_pass(error: MolamError) -> bool:
    code = getattr(error, "code", None)
    return code == "injected" or isinstance(error, CircuitOpenError | AuthenticationError) or _is_page(error)


def _is_page(error: MolamError) -> bool:
    return isinstance(getattr(error, "body", None), str) or getattr(error, "status_code", None) is None


class BlockingMerchant(Merchant):
    """Many threads, one client."""

    def run(self) -> None:
        self.client = MolamSyncClient(self.settings.config(), **self.settings.breaker())
        with self.client, ThreadPoolExecutor(self.settings.width) as pool:
            list(pool.map(self._serve, self.orders()))

    def _serve(self, order: int) -> None:
        for step, operation in steps_of(order):
            if step not in self.table.done and not self._carry_out(order, step, operation):
                return

    def _carry_out(self, order: int, step: str, operation: str) -> bool:
        key, error, calls = self.table.key_of(step), None, list[str]()
        while True:
            calls.append(uuid4().hex)
            _call.set(calls[-1])
            try:
                if error is not None and self.resolves(step, error):
                    answer = self.client.resolve(error, timeout=2)
                else:
                    calls[:-1] = []
                    method = getattr(self.client, operation)
                    answer = method(*self.arguments(order, operation), idempotency_key=key)
            except MolamError as problem:
                error, wait = problem, self.failed(step, calls, problem)
                if wait is None:
                    return False
                time.sleep(wait)
            else:
                self.succeeded(step, calls[-1], answer)
                return True


class AsyncMerchant(Merchant):
    """Many tasks, one client."""

    def run(self) -> None:
        asyncio.run(self._run())

    async def _run(self) -> None:
        async with MolamAsyncClient(self.settings.config(), **self.settings.breaker()) as self.client:
            turnstile = asyncio.Semaphore(self.settings.width)

            async def serve(order: int) -> None:
                async with turnstile:
                    for step, operation in steps_of(order):
                        if step not in self.table.done and not await self._carry_out(order, step, operation):
                            return

            await asyncio.gather(*map(serve, self.orders()))

    async def _carry_out(self, order: int, step: str, operation: str) -> bool:
        key, error, calls = self.table.key_of(step), None, list[str]()
        while True:
            calls.append(uuid4().hex)
            _call.set(calls[-1])
            try:
                if error is not None and self.resolves(step, error):
                    answer = await self.client.resolve(error, timeout=2)
                else:
                    calls[:-1] = []
                    method = getattr(self.client, operation)
                    answer = await method(*self.arguments(order, operation), idempotency_key=key)
            except MolamError as problem:
                error, wait = problem, self.failed(step, calls, problem)
                if wait is None:
                    return False
                await asyncio.sleep(wait)
            else:
                self.succeeded(step, calls[-1], answer)
                return True


def main() -> None:
    """Serve the orders of the settings that the command line holds as JSON."""
    logging.getLogger("molam_sdk").setLevel(logging.CRITICAL)
    settings = Settings(**json.loads(sys.argv[1]))
    (BlockingMerchant if settings.kind == "sync" else AsyncMerchant)(settings).run()


if __name__ == "__main__":
    main()
