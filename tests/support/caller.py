"""One blocking face for both clients, so that a behaviour is written down once and holds for each."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from typing import Any, Literal

from molam_sdk import ClientConfig, MolamAsyncClient, MolamClient, MolamSyncClient
from molam_sdk.testing import AsyncScriptedTransport

Kind = Literal["sync", "async"]
Call = tuple[str, tuple[Any, ...], dict[str, Any]]

_SETTINGS = frozenset(item.name for item in fields(ClientConfig)) - {"journal"}  # which clients take too


class Caller:
    """Makes clients of one kind and calls them; ``client`` is the one made last.

    ::

        caller.make(server.url, max_retries=0)
        intent = caller.call("create_payment_intent", {"amount": 1, "currency": "USD"}, idempotency_key="k")
    """

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self.client: Any = None
        self._made: list[Any] = []
        self._loop = asyncio.new_event_loop() if kind == "async" else None

    def make(self, base_url: str = "https://api.test", *, guarded: bool = True, **options: Any) -> Any:
        """A client. ``options`` are fields of ``ClientConfig`` and arguments of the client (``transport``, ``cb_…``).

        ``guarded=False`` leaves breaker, metrics and logs away, as ``MolamClient`` does. A blocking scripted
        ``transport`` serves both kinds.
        """
        settings = {name: options.pop(name) for name in tuple(options) if name in _SETTINGS}
        config = ClientConfig(**({"api_key": "sk_test_caller", "base_url": base_url} | settings))
        self.client = self._make(config, guarded, options)
        return self.client

    def call(self, name: str, *arguments: Any, **options: Any) -> Any:
        """What the method of that name answers, or its error."""
        return self.wait(self._begin(self.client, name, arguments, options))

    def collect(self, name: str, **options: Any) -> list[Any]:
        """Every object of a list, across its pages."""
        pages = getattr(self.client, name)(**options)
        return list(pages) if self._loop is None else self.wait(_collect(pages))

    def together(self, calls: Sequence[Call], width: int | None = None) -> list[Any]:
        """The results and the errors of calls made at the same time, in order: by threads, or by tasks."""
        if self._loop is None:
            with ThreadPoolExecutor(width or max(1, len(calls))) as pool:
                return list(pool.map(lambda call: _outcome(getattr(self.client, call[0]), call[1], call[2]), calls))
        return list(self.wait(self._gather(calls, width)))

    def wait(self, result: Any) -> Any:
        """The result itself; for the asyncio client the coroutine's, run on this caller's loop."""
        return result if self._loop is None else self._loop.run_until_complete(result)

    def close(self) -> None:
        """Close every client made, and the loop."""
        for client in self._made:
            self.wait(client.close())
        if self._loop is not None and not self._loop.is_closed():
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.close()

    def _make(self, config: ClientConfig, guarded: bool, options: dict[str, Any]) -> Any:
        if self._loop is None:
            client: Any = MolamSyncClient(config, **options) if guarded else MolamClient(config, **options)
            self._made.append(client)
            return client
        if options.get("transport") is not None:
            options["transport"] = AsyncScriptedTransport(options["transport"])
        client = MolamAsyncClient(config, **options)
        self._made.append(client)
        return client if guarded else client.client

    def _begin(self, client: Any, name: str, arguments: tuple[Any, ...], options: dict[str, Any]) -> Any:
        return getattr(client, name)(*arguments, **options)

    async def _gather(self, calls: Sequence[Call], width: int | None) -> list[Any]:
        turnstile = asyncio.Semaphore(width or max(1, len(calls)))

        async def one(call: Call) -> Any:
            async with turnstile:
                return await self._begin(self.client, call[0], call[1], call[2])

        return await asyncio.gather(*map(one, calls), return_exceptions=True)


async def _collect(pages: Any) -> list[Any]:
    return [item async for item in pages]


def _outcome(method: Callable[..., Any], arguments: tuple[Any, ...], options: dict[str, Any]) -> Any:
    try:
        return method(*arguments, **options)
    except Exception as problem:
        return problem
