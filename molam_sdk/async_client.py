"""MolamAsyncClient: the same methods and the same loop as the blocking client, awaited."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, Generic, TypeVar

import pybreaker
from prometheus_client import CollectorRegistry
from typing_extensions import Self

from ._base_client import RESOLVE_SECONDS, BaseClient, failed_call, invocation_of
from ._core import operations
from ._core.call import Call
from ._core.cursor import Cursor
from ._core.invocation import Invocation
from ._core.operations import Payload
from ._core.record import Gate, Observer
from ._core.wire import AsyncTransport
from ._transport.async_bulkhead import AsyncBulkheads
from ._transport.event_loop import LoopBond, aiohttp_transport
from .cb import Breaker, FailureRate, create_circuit_breaker
from .config import ClientConfig
from .exceptions import MolamError
from .logging_setup import LogObserver
from .metrics import MetricsObserver, watch_breaker
from .models import (
    Answer,
    Document,
    MerchantOnboarding,
    MerchantOnboardingCreate,
    Page,
    PaymentIntent,
    PaymentIntentCreate,
    Payout,
    PayoutCreate,
    Refund,
    RefundCreate,
    WebhookEndpoint,
    WebhookEndpointCreate,
)

T = TypeVar("T")
Item = TypeVar("Item", bound=Answer)


class MolamAsyncClient(BaseClient):
    """The Molam API for asyncio: what ``MolamSyncClient`` is, awaited, behind the same breaker, metrics and logs.

    One client serves any number of tasks of one event loop; connections are opened on first use. Use it with
    ``async with``, or ``await client.close()``. A cancelled call drops its connection and never counts against the
    breaker; where it may have been carried out, ``call unknown`` is logged with its idempotency key.
    Arguments, methods and errors are those of ``MolamSyncClient``. Needs ``pip install "molam-python-sdk[async]"``.
    """

    def __init__(
        self,
        config: ClientConfig | None = None,
        cb_name: str = "molam_api_cb",
        cb_fail_max: int = 5,
        cb_reset_timeout: float = 60,
        *,
        cb_success_threshold: int = 1,
        cb_half_open_probes: int = 1,
        cb_failure_rate: FailureRate | None = None,
        cb: pybreaker.CircuitBreaker | None = None,
        registry: CollectorRegistry | None = None,
        transport: AsyncTransport | None = None,
        observers: Sequence[Observer] = (),
    ) -> None:
        config = config if config is not None else ClientConfig.from_env()
        self._transport = transport if transport is not None else aiohttp_transport(config)
        super().__init__(config, self._transport.clock, (MetricsObserver(registry), LogObserver(), *observers))
        self._bulkheads = AsyncBulkheads(config.bulkheads, config.bulkhead_wait)
        self._bond = LoopBond()
        self.cb = cb or create_circuit_breaker(
            cb_name, cb_fail_max, cb_reset_timeout, success_threshold=cb_success_threshold
        )
        watch_breaker(self.cb, registry)
        self._breaker: Breaker | None = Breaker(
            self.cb, half_open_probes=cb_half_open_probes, failure_rate=cb_failure_rate
        )

    @property
    def client(self) -> MolamAsyncClient:
        """A view of this client without breaker, metrics and logs: same connections, key and region."""
        view = object.__new__(type(self))
        view.__dict__.update(self.__dict__, _breaker=None, _observers=())
        return view

    async def create_payment_intent(
        self,
        payload: PaymentIntentCreate | Payload,
        *,
        idempotency_key: str | None = None,
        timeout: float | None = None,
    ) -> PaymentIntent:
        """Begin a payment; nothing is charged before it is confirmed."""
        return await self._send(
            operations.create_payment_intent(payload, idempotency_key, self.config.default_currency), timeout
        )

    async def retrieve_payment_intent(self, payment_intent_id: str, *, timeout: float | None = None) -> PaymentIntent:
        """The payment as it stands now."""
        return await self._send(operations.retrieve_payment_intent(payment_intent_id), timeout)

    def list_payment_intents(
        self,
        *,
        limit: int | None = None,
        starting_after: str | None = None,
        customer_id: str | None = None,
        status: str | None = None,
        timeout: float | None = None,
    ) -> AsyncPages[PaymentIntent]:
        """All payments, newest first. ``limit`` is the size of a page (1 to 100); ``timeout`` counts per page."""
        query = {"limit": limit, "starting_after": starting_after, "customer_id": customer_id, "status": status}
        return AsyncPages(lambda q: self._send(operations.list_payment_intents(q), timeout), query)

    async def confirm_payment_intent(
        self,
        payment_intent_id: str,
        *,
        payment_method: str | None = None,
        idempotency_key: str | None = None,
        timeout: float | None = None,
    ) -> PaymentIntent:
        """Charge the customer; a decline raises ``DeclinedError``."""
        return await self._send(
            operations.confirm_payment_intent(payment_intent_id, payment_method, idempotency_key), timeout
        )

    async def capture_payment_intent(
        self,
        payment_intent_id: str,
        *,
        amount: object = None,
        idempotency_key: str | None = None,
        timeout: float | None = None,
    ) -> PaymentIntent:
        """Take the authorised money: all of it, or ``amount`` in major units."""
        return await self._send(operations.capture_payment_intent(payment_intent_id, amount, idempotency_key), timeout)

    async def cancel_payment_intent(
        self, payment_intent_id: str, *, idempotency_key: str | None = None, timeout: float | None = None
    ) -> PaymentIntent:
        """Give up a payment that has not been taken."""
        return await self._send(operations.cancel_payment_intent(payment_intent_id, idempotency_key), timeout)

    async def create_refund(
        self,
        payload: RefundCreate | Payload,
        *,
        idempotency_key: str | None = None,
        timeout: float | None = None,
    ) -> Refund:
        """Give money back: a whole payment, or part of it."""
        return await self._send(operations.create_refund(payload, idempotency_key), timeout)

    async def retrieve_refund(self, refund_id: str, *, timeout: float | None = None) -> Refund:
        """The refund as it stands now."""
        return await self._send(operations.retrieve_refund(refund_id), timeout)

    def list_refunds(
        self,
        *,
        limit: int | None = None,
        starting_after: str | None = None,
        payment_id: str | None = None,
        timeout: float | None = None,
    ) -> AsyncPages[Refund]:
        """All refunds, newest first. ``limit`` is the size of a page (1 to 100); ``timeout`` counts per page."""
        query = {"limit": limit, "starting_after": starting_after, "payment_id": payment_id}
        return AsyncPages(lambda q: self._send(operations.list_refunds(q), timeout), query)

    async def create_payout(
        self,
        payload: PayoutCreate | Payload,
        *,
        idempotency_key: str | None = None,
        timeout: float | None = None,
    ) -> Payout:
        """Send money out."""
        return await self._send(
            operations.create_payout(payload, idempotency_key, self.config.default_currency), timeout
        )

    async def retrieve_payout(self, payout_id: str, *, timeout: float | None = None) -> Payout:
        """The payout as it stands now."""
        return await self._send(operations.retrieve_payout(payout_id), timeout)

    def list_payouts(
        self,
        *,
        limit: int | None = None,
        starting_after: str | None = None,
        status: str | None = None,
        timeout: float | None = None,
    ) -> AsyncPages[Payout]:
        """All payouts, newest first. ``limit`` is the size of a page (1 to 100); ``timeout`` counts per page."""
        query = {"limit": limit, "starting_after": starting_after, "status": status}
        return AsyncPages(lambda q: self._send(operations.list_payouts(q), timeout), query)

    async def create_merchant_onboarding(
        self,
        payload: MerchantOnboardingCreate | Payload,
        *,
        idempotency_key: str | None = None,
        timeout: float | None = None,
    ) -> MerchantOnboarding:
        """Register a merchant; ``onboarding_url`` is where they go on."""
        return await self._send(
            operations.create_merchant_onboarding(payload, idempotency_key, self.config.default_currency), timeout
        )

    async def create_webhook_endpoint(
        self,
        payload: WebhookEndpointCreate | Payload,
        *,
        idempotency_key: str | None = None,
        timeout: float | None = None,
    ) -> WebhookEndpoint:
        """Have events sent to a URL. The answer's ``secret`` is never shown again: store it."""
        return await self._send(operations.create_webhook_endpoint(payload, idempotency_key), timeout)

    def list_webhook_endpoints(
        self,
        *,
        tenant_type: str | None = None,
        tenant_id: str | None = None,
        timeout: float | None = None,
    ) -> AsyncPages[WebhookEndpoint]:
        """All webhook endpoints, or those of a tenant; ``timeout`` counts per page."""
        query = {"tenant_type": tenant_type, "tenant_id": tenant_id}
        return AsyncPages(lambda q: self._send(operations.list_webhook_endpoints(q), timeout), query)

    async def delete_webhook_endpoint(
        self, endpoint_id: str, *, idempotency_key: str | None = None, timeout: float | None = None
    ) -> None:
        """Stop events to an endpoint for good."""
        return await self._send(operations.delete_webhook_endpoint(endpoint_id, idempotency_key), timeout)

    async def get(
        self, path: str, params: Mapping[str, object | None] | None = None, *, timeout: float | None = None
    ) -> Document:
        """GET a path that has no method yet; ``path`` begins with ``/v1/``."""
        return await self._send(operations.get(path, params), timeout)

    async def post(
        self,
        path: str,
        payload: Mapping[str, Any] | None = None,
        *,
        idempotency_key: str | None = None,
        timeout: float | None = None,
    ) -> Document:
        """POST to a path that has no method yet, with a key as everywhere; ``path`` begins with ``/v1/``."""
        return await self._send(operations.post(path, payload, idempotency_key), timeout)

    async def resolve(self, error: BaseException, *, timeout: float | None = RESOLVE_SECONDS) -> Any:
        """Find out what became of a failed call: asks the very same again, under the same key, until Molam answers.

        ``error`` may also be what tore the call: a cancellation, Ctrl-C, the ``TimeoutError`` of ``asyncio.timeout``.
        Returns what the operation returns; raises the definite error (``DeclinedError``, …), or, after ``timeout``
        seconds, the last one, its ``outcome`` still telling the truth. Refused for a key that Molam may have
        forgotten (24 hours): asking again could then carry it out twice.
        """
        failed = failed_call(error)
        return await self._send(invocation_of(failed), timeout, failed)

    async def close(self) -> None:
        """Close the connections. Final: a later call raises ``ClientClosedError``."""
        self._closed.set()
        await self._transport.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _send(self, invocation: Invocation[T], timeout: float | None, resolving: MolamError | None = None) -> T:
        with self._begin(invocation, timeout, resolving) as call:
            async with self._bulkheads.slot(call):
                while not call.over:
                    if call.pause is not None:
                        await self._transport.sleep(call.pause)
                    if call.start_attempt():
                        call.settle(await self._transport.send(call.request))
                return call.result()

    def _begin(self, invocation: Invocation[T], timeout: float | None, resolving: MolamError | None = None) -> Call[T]:
        self._bond.check()
        return super()._begin(invocation, timeout, resolving)

    def _passage(self) -> Gate | None:
        return self._breaker.passage() if self._breaker is not None else None


class AsyncPages(Generic[Item]):
    """Iterates over every object of a list, asking for the next page when one is used up.

    Holds one page in memory: ``await pages.page``. An error in between loses nothing: iterate on, and the same page
    is asked for again.
    """

    def __init__(
        self, fetch: Callable[[Mapping[str, object | None]], Awaitable[Page[Item]]], query: Mapping[str, object | None]
    ) -> None:
        self._fetch = fetch
        self._cursor: Cursor[Item] = Cursor(query)

    @property
    async def page(self) -> Page[Item]:
        """The page at hand; asks for the first one if none is yet."""
        if self._cursor.page is None:
            await self._turn()
        assert self._cursor.page is not None  # noqa: S101 - _turn set it or raised; tells the type checker
        return self._cursor.page

    async def pages(self) -> AsyncIterator[Page[Item]]:
        """Page by page, from the one at hand on."""
        yield await self.page
        while not self._cursor.exhausted:
            await self._turn()
            yield await self.page

    def __aiter__(self) -> AsyncIterator[Item]:
        return self

    async def __anext__(self) -> Item:
        while (item := self._cursor.take()) is None:
            if self._cursor.exhausted:
                raise StopAsyncIteration
            await self._turn()
        return item

    async def _turn(self) -> None:
        self._cursor.turn_to(await self._fetch(self._cursor.query()))
