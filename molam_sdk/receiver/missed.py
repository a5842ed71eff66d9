"""What a backfill finds, on the way that deliveries take: run now, or stored for a worker."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, Final

from ..store import Store
from ..webhooks import WebhookEvent
from . import awaited, blocking
from .backfill import Backfill, BackfillOptions, BackfillProgress, Since, Synthetic
from .delivery import IncomingDelivery, WebhookAnswer
from .event_run import EventRun
from .headers import DeliveryHeaders
from .metrics import WebhookMetrics
from .serving import InSteps, Serving

if TYPE_CHECKING:
    from ..client import MolamClient
    from ..plain_async_client import PlainAsyncClient

_REACH: Final = timedelta(days=7)
_OTHER_MODE: Final = {True: "sk_test_", False: "sk_live_"}


class MissedEvents:
    """Runs events that were missed. ``keep`` stores one for a worker; without it, each is run at once by ``run_of``."""

    def __init__(
        self,
        store: Store,
        wanted: Callable[[str], object],
        run_of: Callable[[IncomingDelivery, WebhookEvent], EventRun],
        keep: Callable[[IncomingDelivery, WebhookEvent, bytes], WebhookAnswer] | None,
        *,
        livemode: bool | None,
        metrics: WebhookMetrics,
        serving: Callable[[], Serving],
    ) -> None:
        self._store, self._wanted, self._run_of, self._keep = store, wanted, run_of, keep
        self._livemode, self._metrics, self._serving = livemode, metrics, serving

    def run(self, client: Any, options: BackfillOptions) -> BackfillProgress:
        """Everything that was missed; blocks."""
        self._check(client, is_async=False)
        return blocking.walk(client, self._plan(options), options, self._one)

    async def run_awaited(self, client: Any, options: BackfillOptions) -> BackfillProgress:
        """The same on an event loop."""
        self._check(client, is_async=True)
        plan = await self._serving().in_step(self._plan, options)
        return await awaited.walk(client, plan, options, self._one_awaited)

    def _plan(self, options: BackfillOptions) -> Backfill:
        now = datetime.now(timezone.utc)
        remembers_since = None if options.include_unremembered else self._remembers_since(now)
        return Backfill(options, wanted=self._wanted, remembers_since=remembers_since, now=now)

    def _remembers_since(self, now: datetime) -> float:
        since: float | None = getattr(self._store, "remembers_since")()  # noqa: B009  # of our stores, not of the seam
        return now.timestamp() if since is None else since

    def _one(self, synthetic: Synthetic) -> str:
        delivery = self._delivery(synthetic)
        if self._keep is not None:
            return _told(delivery, self._keep(delivery, synthetic.event, synthetic.body))
        return _told(delivery, blocking.serve(delivery, self._run_of(delivery, synthetic.event), blocking.Execution()))

    async def _one_awaited(self, synthetic: Synthetic) -> str:
        delivery, serving = self._delivery(synthetic), self._serving()
        if self._keep is not None:
            return _told(delivery, await serving.in_step(self._keep, delivery, synthetic.event, synthetic.body))
        return _told(delivery, await serving.serve(delivery, self._run_of(delivery, synthetic.event)))

    def _delivery(self, synthetic: Synthetic) -> IncomingDelivery:
        delivery = IncomingDelivery(DeliveryHeaders({}), self._metrics)
        delivery.event = synthetic.event
        return delivery

    def _check(self, client: Any, *, is_async: bool) -> None:
        if not hasattr(self._store, "remembers_since"):
            kind = type(self._store).__name__
            raise TypeError(f"{kind} cannot tell a backfill's events from Molam's own: use a store of molam_sdk.store")
        if isinstance(self._serving(), InSteps) and not is_async:
            raise TypeError("backfill blocks, and the receiver's store is one for event loops: await backfill_async(…)")
        if inspect.iscoroutinefunction(client.close) is not is_async:
            wanted = "backfill_async wants a MolamAsyncClient" if is_async else "backfill wants a MolamSyncClient"
            raise TypeError(f"{wanted}, and this is a {type(client).__name__}")
        key = client.config.api_key
        if self._livemode is not None and isinstance(key, str) and key.startswith(_OTHER_MODE[self._livemode]):
            raise ValueError(
                f"the client's key is an {key[:8]}… key, and the receiver is for livemode={self._livemode}"
            )


class Backfills:
    """What a receiver offers of it."""

    _missed: MissedEvents

    def backfill(
        self,
        client: MolamClient,
        *,
        since: Since,
        reach: timedelta = _REACH,
        per_second: float = 20.0,
        include_unremembered: bool = False,
        resume: str | None = None,
        progress: Callable[[BackfillProgress], object] | None = None,
    ) -> BackfillProgress:
        """Run the events that were missed: payments, refunds and payouts are listed, and each that changed ``since``
        has the event of the state that it is in now, ``event.synthetic``, take the way of one that Molam sends.

        One that is here already, as Molam's or as an earlier backfill's, is not run again, nor will it be when
        Molam's comes later. A state that the object has left, and disputes, are not told. ``reach``: objects made
        up to so long before ``since`` may have changed since. ``per_second``: events and pages, at most. An object made
        before the store can remember is left alone (``unremembered``) unless you include it. ``progress`` is called
        after each object; its ``mark`` as ``resume`` goes on from there, where a list (``MolamError``) or the store
        raised. ``TypeError`` or ``ValueError`` before anything is asked.
        """
        options = BackfillOptions(since, reach, per_second, include_unremembered, resume, progress)
        return self._missed.run(client, options)

    async def backfill_async(
        self,
        client: PlainAsyncClient,
        *,
        since: Since,
        reach: timedelta = _REACH,
        per_second: float = 20.0,
        include_unremembered: bool = False,
        resume: str | None = None,
        progress: Callable[[BackfillProgress], object] | None = None,
    ) -> BackfillProgress:
        """As ``backfill``, with a client for asyncio; what blocks runs in threads, as in ``receive_async``."""
        options = BackfillOptions(since, reach, per_second, include_unremembered, resume, progress)
        return await self._missed.run_awaited(client, options)


def _told(delivery: IncomingDelivery, answer: WebhookAnswer) -> str:
    """The result; raises what the store raised, since nothing more can be run without it."""
    if answer.result in ("store_error", "store_full") and delivery.error is not None:
        raise delivery.error
    return answer.result
