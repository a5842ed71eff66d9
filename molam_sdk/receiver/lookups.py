"""Secrets looked up off the event loop, and once for all who want the same kid at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from .._forks import renew_after_fork
from ..webhooks import SecretSource
from ..webhooks.secrets import secrets_of
from .without_stop import call_without_stop

T = TypeVar("T")


class InThread(Protocol):
    """Runs a blocking function away from the event loop, as ``asyncio.to_thread`` does."""

    def __call__(self, function: Callable[..., T], /, *args: Any) -> Awaitable[T]: ...


@dataclass(slots=True)
class FoundSecrets:
    """What was found for each kid of a header; to ``construct_event`` it is a source like any other."""

    secrets: dict[str, tuple[bytes, ...]] = field(default_factory=dict)
    failures: dict[str, Exception] = field(default_factory=dict)

    def __call__(self, kid: str) -> tuple[bytes, ...]:
        """The secrets of a kid; raises what looking them up raised."""
        if kid in self.failures:
            raise self.failures[kid]
        return self.secrets.get(kid, ())


class SecretLookups:
    """Asks a source. ``at_hand`` is true of one that never waits: a secret, or a mapping."""

    def __init__(self, source: SecretSource) -> None:
        self.source = source
        self.at_hand = isinstance(source, str | bytes | Mapping)
        self._under_way: dict[str, Future[tuple[bytes, ...]]] = {}
        self._running: set[asyncio.Future[Any]] = set()
        renew_after_fork(self)

    def after_fork(self) -> None:
        """Forget what threads of the parent are looking up: they do not exist here."""
        self._under_way, self._running = {}, set()

    def one(self, kid: str) -> tuple[bytes, ...]:
        """The secrets of a kid; raises what the source raises. Blocks."""
        future, mine = self._joined(kid)
        if mine:
            self._run(kid, future)
        return future.result()

    def all(self, kids: Sequence[str]) -> SecretSource:
        """The secrets of a header's kids. Blocks."""
        if self.at_hand:
            return self.source
        found = FoundSecrets()
        for kid in kids:
            try:
                found.secrets[kid] = self.one(kid)
            except LookupError:
                found.secrets[kid] = ()
            except Exception as error:  # noqa: BLE001  # a callable of the merchant may raise anything
                found.failures[kid] = error
        return found

    async def all_awaited(self, kids: Sequence[str], in_thread: InThread) -> SecretSource:
        """As ``all``, with every call of the source in a thread and none waited for in one."""
        if self.at_hand:
            return self.source
        found = FoundSecrets()
        for kid in kids:
            try:
                found.secrets[kid] = await self._one_awaited(kid, in_thread)
            except LookupError:
                found.secrets[kid] = ()
            except Exception as error:  # noqa: BLE001  # a callable of the merchant may raise anything
                found.failures[kid] = error
        return found

    async def _one_awaited(self, kid: str, in_thread: InThread) -> tuple[bytes, ...]:
        future, mine = self._joined(kid)
        if mine:
            # A task of its own: who is cancelled leaves the look-up to those who wait with it.
            running = asyncio.ensure_future(in_thread(self._run, kid, future))
            self._running.add(running)
            running.add_done_callback(lambda ended: self._ended(kid, future, ended))
        return await asyncio.wrap_future(future)

    def _joined(self, kid: str) -> tuple[Future[tuple[bytes, ...]], bool]:
        """The look-up of a kid that is under way, and whether the caller is the one to do it."""
        mine: Future[tuple[bytes, ...]] = Future()
        # Running from the start: nobody who waits for it can cancel it for the others.
        mine.set_running_or_notify_cancel()
        future = self._under_way.setdefault(kid, mine)
        return future, future is mine

    def _run(self, kid: str, future: Future[tuple[bytes, ...]]) -> None:
        try:
            found = call_without_stop(secrets_of, self.source, kid)
        except BaseException as error:  # noqa: BLE001  # whoever waits is told
            self._under_way.pop(kid, None)
            future.set_exception(error)
        else:
            self._under_way.pop(kid, None)
            future.set_result(found)

    def _ended(self, kid: str, future: Future[tuple[bytes, ...]], ended: asyncio.Future[Any]) -> None:
        self._running.discard(ended)
        if not ended.cancelled():
            ended.exception()
        if not future.done():  # its loop ended, or there was no thread to be had, before it began
            self._under_way.pop(kid, None)
            future.set_exception(RuntimeError("the look-up was given up before it began"))
