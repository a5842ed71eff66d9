"""The Molam API: one typed method per operation, the loop that waits, and lists across their pages."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from typing_extensions import Self

from . import models
from ._base_client import RESOLVE_SECONDS, BaseClient, seconds_of
from ._client_state import ClientState
from ._core import operations
from ._core.call import Call
from ._core.cursor import Cursor
from ._core.invocation import Invocation
from ._core.record import Observer
from ._core.wire import AsyncTransport
from ._frames import raises_without_values, without_values
from ._params import (
    MerchantOnboardingParams,
    PaymentIntentParams,
    PaymentIntentStatus,
    PaymentMethod,
    PayoutParams,
    PayoutStatus,
    RefundParams,
    WebhookEndpointParams,
)
from ._resolving import doubt_of, invocation_of
from ._transport.awaited.aside import ended_in_time
from ._transport.awaited.bulkhead import Bulkheads
from ._transport.awaited.event_loop import LoopBinding  # blocking:
from ._transport.awaited.transport import AsyncioTransport
from .config import ClientConfig
from .exceptions import ConfigurationError, Doubt
from .money import AmountInput

if TYPE_CHECKING:
    from ._journalling.awaited.calls import JournalledCalls, Way
    from ._journalling.awaited.journal import AsyncJournal
    from ._journalling.awaited.undo import AsyncUndo
    from ._journalling.opening import JournalSource
    from .journal.entry import Entry
    from .journal.reconciliation import Reconciliation, ReconciliationStep

models.load()  # blocking:

T = TypeVar("T")
Item = TypeVar("Item", bound="models.Answer")


class _State(ClientState):
    """With what this client sends, how many calls at once, and where it writes them down."""

    def __init__(self, config: ClientConfig, transport: AsyncTransport, journal: JournalSource | None) -> None:
        super().__init__(config, transport.clock)
        self.transport = transport
        self.journal = _journalled(journal, config, transport)
        self.discard_connections = getattr(transport, "discard_connections", None)
        self.bulkheads = Bulkheads(config.bulkheads, config.bulkhead_wait)
        self.loop = LoopBinding()  # blocking:


@raises_without_values
class PlainAsyncClient(BaseClient[_State]):
    """The Molam API for asyncio, without breaker, metrics and logs.

    One client serves any number of tasks of one event loop; connections are opened on first use.
    Close it by ``async with``, or ``await client.close()``. A cancelled call drops its connection.

    Every method takes ``timeout``, the most seconds the whole call may take; every method that changes something
    takes ``idempotency_key`` (1 to 255 printable ASCII), made for you where you give none. A payload is a model or
    a dict with its fields; a type checker knows them. All of them raise ``MolamError``, whose ``outcome`` says
    whether money may have moved and whose ``idempotency_key`` finds out.
    """

    def __init__(
        self,
        config: ClientConfig | None = None,
        *,
        transport: AsyncTransport | None = None,
        observers: Sequence[Observer] = (),
        journal: JournalSource | None = None,
    ) -> None:
        config = config if config is not None else ClientConfig.from_env()
        transport = transport if transport is not None else AsyncioTransport(config)
        super().__init__(_State(config, transport, journal), observers)

    async def create_payment_intent(
        self,
        payload: models.PaymentIntentCreate | PaymentIntentParams,
        *,
        idempotency_key: str | None = None,
        timeout: float | None = None,
    ) -> models.PaymentIntent:
        """Begin a payment; nothing is charged before it is confirmed.

        ``amount`` is in major units, 5000 XOF or ``"100.50"`` USD. ``capture=True`` has the confirmation take the
        money, else it is only held. Mobile money and pages of banks want a ``return_url``. A payload that is wrong
        raises ``RequestValidationError``, ``not_sent``, which names the field.
        """
        return await self._send(
            operations.create_payment_intent(payload, idempotency_key, self.config.default_currency), timeout
        )

    async def retrieve_payment_intent(
        self, payment_intent_id: str, *, timeout: float | None = None
    ) -> models.PaymentIntent:
        """The payment as it stands now. ``NotFoundError`` where this account has none of that id."""
        return await self._send(operations.retrieve_payment_intent(payment_intent_id), timeout)

    def list_payment_intents(
        self,
        *,
        limit: int | None = None,
        starting_after: str | None = None,
        customer_id: str | None = None,
        status: PaymentIntentStatus | None = None,
        timeout: float | None = None,
    ) -> AsyncPages[models.PaymentIntent]:
        """All payments, newest first. ``limit`` is the size of a page (1 to 100); ``timeout`` counts per page."""
        query = {"limit": limit, "starting_after": starting_after, "customer_id": customer_id, "status": status}
        return AsyncPages(lambda q: self._send(operations.list_payment_intents(q), timeout), query)

    async def confirm_payment_intent(
        self,
        payment_intent_id: str,
        *,
        payment_method: PaymentMethod | str | None = None,
        idempotency_key: str | None = None,
        timeout: float | None = None,
    ) -> models.PaymentIntent:
        """Charge the customer, or hold the money of an intent without ``capture``.

        A decline raises ``DeclinedError``, ``rejected``, with Molam's word for it in ``code``. ``processing`` says that
        the customer or a bank is still asked: wait for the webhook, or ``wait_until_final``. ``ConflictError`` where
        the payment is in another state already.
        """
        return await self._send(
            operations.confirm_payment_intent(payment_intent_id, payment_method, idempotency_key), timeout
        )

    async def capture_payment_intent(
        self,
        payment_intent_id: str,
        *,
        amount: AmountInput | None = None,
        idempotency_key: str | None = None,
        timeout: float | None = None,
    ) -> models.PaymentIntent:
        """Take the authorised money: all of it, or ``amount`` in major units; the rest is released.

        Once per payment, and only in ``requires_capture``: else ``ConflictError``, ``rejected``.
        """
        return await self._send(operations.capture_payment_intent(payment_intent_id, amount, idempotency_key), timeout)

    async def cancel_payment_intent(
        self, payment_intent_id: str, *, idempotency_key: str | None = None, timeout: float | None = None
    ) -> models.PaymentIntent:
        """Give up a payment whose money has not been taken; what was held is released.

        ``ConflictError``, ``rejected``, for one that was: refund it instead.
        """
        return await self._send(operations.cancel_payment_intent(payment_intent_id, idempotency_key), timeout)

    async def create_refund(
        self,
        payload: models.RefundCreate | RefundParams,
        *,
        idempotency_key: str | None = None,
        timeout: float | None = None,
    ) -> models.Refund:
        """Give money back: all that is left of a payment, or ``amount`` of it in major units.

        More than is left raises an ``APIError``, ``rejected``. A webhook tells how a ``pending`` refund ended.
        """
        return await self._send(operations.create_refund(payload, idempotency_key), timeout)

    async def retrieve_refund(self, refund_id: str, *, timeout: float | None = None) -> models.Refund:
        """The refund as it stands now. ``NotFoundError`` where this account has none of that id."""
        return await self._send(operations.retrieve_refund(refund_id), timeout)

    def list_refunds(
        self,
        *,
        limit: int | None = None,
        starting_after: str | None = None,
        payment_id: str | None = None,
        timeout: float | None = None,
    ) -> AsyncPages[models.Refund]:
        """All refunds, newest first. ``limit`` is the size of a page (1 to 100); ``timeout`` counts per page."""
        query = {"limit": limit, "starting_after": starting_after, "payment_id": payment_id}
        return AsyncPages(lambda q: self._send(operations.list_refunds(q), timeout), query)

    async def create_payout(
        self,
        payload: models.PayoutCreate | PayoutParams,
        *,
        idempotency_key: str | None = None,
        timeout: float | None = None,
    ) -> models.Payout:
        """Send money out of the balance: ``amount`` in major units, to ``beneficiary``.

        What the balance does not hold raises ``DeclinedError``, ``rejected``. ``origin_module`` and ``origin_entity``
        say for which part of your system, and for whom in it, so that finance can tell payouts apart.
        """
        return await self._send(
            operations.create_payout(payload, idempotency_key, self.config.default_currency), timeout
        )

    async def retrieve_payout(self, payout_id: str, *, timeout: float | None = None) -> models.Payout:
        """The payout as it stands now. ``NotFoundError`` where this account has none of that id."""
        return await self._send(operations.retrieve_payout(payout_id), timeout)

    def list_payouts(
        self,
        *,
        limit: int | None = None,
        starting_after: str | None = None,
        status: PayoutStatus | None = None,
        timeout: float | None = None,
    ) -> AsyncPages[models.Payout]:
        """All payouts, newest first. ``limit`` is the size of a page (1 to 100); ``timeout`` counts per page."""
        query = {"limit": limit, "starting_after": starting_after, "status": status}
        return AsyncPages(lambda q: self._send(operations.list_payouts(q), timeout), query)

    async def retrieve_balance(self, *, currency: str | None = None, timeout: float | None = None) -> models.Balance:
        """The money at hand, currency by currency, or of one (ISO 4217), in major units.

        ``available`` can be paid out now, ``pending`` is on its way in.
        """
        return await self._send(operations.retrieve_balance(currency), timeout)

    async def create_merchant_onboarding(
        self,
        payload: models.MerchantOnboardingCreate | MerchantOnboardingParams,
        *,
        idempotency_key: str | None = None,
        timeout: float | None = None,
    ) -> models.MerchantOnboarding:
        """Register a merchant; ``onboarding_url`` is where they go on.

        ``country`` is ISO 3166-1 alpha-2, ``currency`` the one they are paid in, ISO 4217.
        """
        return await self._send(
            operations.create_merchant_onboarding(payload, idempotency_key, self.config.default_currency), timeout
        )

    async def create_webhook_endpoint(
        self,
        payload: models.WebhookEndpointCreate | WebhookEndpointParams,
        *,
        idempotency_key: str | None = None,
        timeout: float | None = None,
    ) -> models.WebhookEndpoint:
        """Have events sent to a URL. The answer's ``secret`` is never shown again: store it."""
        return await self._send(operations.create_webhook_endpoint(payload, idempotency_key), timeout)

    def list_webhook_endpoints(
        self,
        *,
        tenant_type: str | None = None,
        tenant_id: str | None = None,
        timeout: float | None = None,
    ) -> AsyncPages[models.WebhookEndpoint]:
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
    ) -> models.Document:
        """GET a path that has no method yet; ``path`` begins with ``/v1/``."""
        return await self._send(operations.get(path, params), timeout)

    async def post(
        self,
        path: str,
        payload: Mapping[str, Any] | None = None,
        *,
        idempotency_key: str | None = None,
        timeout: float | None = None,
    ) -> models.Document:
        """POST to a path that has no method yet, with a key as everywhere; ``path`` begins with ``/v1/``."""
        return await self._send(operations.post(path, payload, idempotency_key), timeout)

    async def resolve(
        self,
        error: BaseException | str | Doubt,
        *,
        timeout: float | None = RESOLVE_SECONDS,
        same_account: bool = False,
    ) -> Any:
        """Find out what became of a failed call: asks the very same again, under the same key, until Molam answers.

        ``error`` may also be what tore the call: a cancellation, Ctrl-C, the ``TimeoutError`` of ``asyncio.timeout``,
        an ``ExceptionGroup`` with one call in doubt; or the idempotency key of a call that this client remembers.
        Returns what the operation returns; raises the definite error (``DeclinedError``, …), or, after ``timeout``
        seconds, the last one, its ``outcome`` still telling the truth. Refused before anything is sent where asking
        again could carry it out twice: for a key first used 23 hours ago, since Molam forgets keys after 24; at another
        base URL; and with an API key of another account, unless ``same_account=True`` says that only the API key was
        replaced.
        """
        if self._state.journal is not None and isinstance(error, str):
            error = await self._state.journal.doubt(error, self._state.doubts)
        doubt = doubt_of(error, self._state.doubts)
        return await self._send(invocation_of(doubt), timeout, doubt, same_account)

    @property
    def journal(self) -> AsyncJournal:
        """What was asked under which key, and what became of it. ``ConfigurationError`` for a client without one."""
        from ._journalling.awaited.journal import AsyncJournal

        return AsyncJournal(self._journalled_calls(), self._way())

    def recover(
        self, *, timeout: float = 60.0, per_second: float = 10.0, same_account: bool = False
    ) -> AsyncIterator[Entry]:
        """Settle what any worker left in doubt, and give each entry of the journal as it stands then.

        A call whose key is younger than 23 hours is asked again under it; an older one is looked up where its object
        is known for certain, else its entry needs a ``review``. Entries of other accounts and base URLs are left
        alone, and what another worker has, to it. ``timeout``: seconds for each; ``per_second``: how many at most.
        ``same_account=True``: entries of another API key too, since only the key was replaced.
        """
        from ._journalling.awaited.recovery import Recovery

        return Recovery(self._journalled_calls(), self._way(), timeout, per_second, same_account).entries()

    def undo(self, *, within: float = 600.0, timeout: float = 60.0) -> AsyncUndo:
        """A block whose steps are undone where it raises; ``undo.add`` takes functions of yours.

        Every call of this client in the block that changes something is a step. A payment is cancelled, or refunded
        where it was taken, a webhook endpoint deleted, a function called that ``undo.add`` was given; in reverse order,
        under keys derived from the undo's, a step in doubt once it is known. The error is raised all
        the same; its notes and the log say what has no inverse (a refund, a payout) or is not undone yet. The plan is
        in the journal before each step: what a killed process leaves, ``recover`` undoes, ``within`` seconds after the
        block's last step. ``timeout``: seconds for each call that undoes.
        """
        from ._journalling.awaited.undo import AsyncUndo

        return AsyncUndo(self._journalled_calls(), self._way(), seconds_of(within, 600.0), seconds_of(timeout, 60.0))

    async def reconcile(
        self,
        *,
        since: timedelta | datetime,
        margin: timedelta = timedelta(minutes=5),
        progress: Callable[[ReconciliationStep], object] | None = None,
        resume: str | None = None,
        timeout: float = 60.0,
        per_second: float = 10.0,
        same_account: bool = False,
    ) -> Reconciliation:
        """Compare Molam's lists of payments, refunds and payouts with the journal: what only one of them has, and
        what has another status or amount. Moves no money, and settles nothing: ``recover`` before.

        ``since``: so long ago, or from that moment on; what is younger than ``margin`` is left to the next time, and
        clocks may differ by as much. ``progress`` is called with each page's differences and a ``resume``, which goes
        on from there in any process. Constant memory; ``per_second`` and ``timeout`` are of the calls. An error of
        Molam's or of the journal is raised as it is.
        """
        from ._journalling.awaited.reconciling import Reconciling
        from ._journalling.standing import Standing

        calls = self._journalled_calls()
        reconciling = Reconciling(calls, self._way(), timeout, per_second, same_account, progress=progress)
        if resume is not None:
            return await reconciling.run(Standing.of(resume))
        return await reconciling.run(Standing.beginning(since, margin, await reconciling.now()))

    async def wait_until_final(self, object_id: str, *, timeout: float | None = 60.0) -> Any:
        """A payment, refund or payout, once it is no longer ``processing`` or ``pending``; asks again and again, and at
        once when a webhook about it reaches the journal that this client keeps.

        ``MolamTimeoutError`` after ``timeout`` seconds; what it reads moves no money.
        """
        from ._journalling.awaited.finality import final

        state = self._state
        return await final(self, object_id, seconds_of(timeout, 60.0), state.transport, state.journal)

    async def close(self) -> None:
        """Close the connections. Final: a later call raises ``ClientClosedError``."""
        self._state.closed.set()
        await self._state.transport.close()
        if self._state.journal is not None:
            await self._state.journal.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def _way(self) -> Way:
        """How the journal sends a call of this client: as this view of it would."""
        return self._state, self._begin, self._carry_out

    async def _carry_out(self, call: Call[T]) -> T:
        return await self._send(call.invocation, None, begun=call)

    def _journalled_calls(self) -> JournalledCalls:
        if self._state.journal is None:
            raise ConfigurationError("this client has no journal: give it journal=…, or set MOLAM_JOURNAL")
        return self._state.journal

    async def _send(
        self,
        invocation: Invocation[T],
        timeout: float | None,
        resolving: Doubt | None = None,
        same_account: bool = False,
        begun: Call[T] | None = None,
    ) -> T:
        state = self._state
        state.loop.check()  # blocking:
        if begun is not None:
            call = begun
        elif state.journal is not None and invocation.idempotency_key is not None:
            return await state.journal.send(self._way(), invocation, timeout, resolving, same_account)
        else:
            call = self._begin(invocation, timeout, resolving, same_account)
        try:
            # blocking: with call, state.bulkheads.slot(call):
            with call:  # blocking:
                async with state.bulkheads.slot(call):  # blocking:
                    while not call.over:
                        if call.pause is not None:
                            await state.transport.sleep(call.pause)
                        if call.asking is not None:
                            call.take_api_key(in_time=await ended_in_time(call.asking, call.time_left()))
                        if not call.over and call.start_attempt():
                            call.settle(await state.transport.send(call.request))
                    return call.result()
        except BaseException as error:
            call.take_in_interruption(error)  # for what is raised into leaving the call, too
            raise


def _journalled(
    journal: JournalSource | None, config: ClientConfig, transport: AsyncTransport
) -> JournalledCalls | None:
    source = config.journal if journal is None else journal
    if source is None:
        return None
    from ._journalling.awaited.calls import JournalledCalls

    return JournalledCalls(source, transport.sleep, required=config.journal_required, key=config.journal_key)


class AsyncPages(Generic[Item]):
    """Iterates over every object of a list, asking for the next page when one is used up.

    Holds one page in memory: ``await pages.page``. An error in between loses nothing: iterate on, and the same page
    is asked for again.
    """

    def __init__(
        self,
        fetch: Callable[[Mapping[str, object | None]], Awaitable[models.Page[Item]]],
        query: Mapping[str, object | None],
    ) -> None:
        self._fetch = fetch
        self._cursor: Cursor[Item] = Cursor(query)

    @property
    async def page(self) -> models.Page[Item]:
        """The page at hand; asks for the first one if none is yet."""
        if self._cursor.page is None:
            await self._turn()
        assert self._cursor.page is not None  # noqa: S101 - _turn set it or raised; tells the type checker
        return self._cursor.page

    async def pages(self) -> AsyncIterator[models.Page[Item]]:
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

    @without_values
    async def _turn(self) -> None:
        self._cursor.turn_to(await self._fetch(self._cursor.query()))
