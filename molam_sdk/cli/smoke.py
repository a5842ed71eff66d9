"""`molam smoke`: six things that must hold in an environment, seen by one payment that is never taken."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import click

from .._places import ENVIRONMENTS
from ..exceptions import MolamError
from .calling import calling, consented, live_option
from .told import as_told

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

    from ..sync_client import MolamSyncClient

_FAILED: Final = 1
Criterion = tuple[str, Callable[[], bool]]


@click.command()
@click.option("--env", "environment", type=click.Choice(list(ENVIRONMENTS)), help="Else as MOLAM_… variables say.")
@click.option("--currency", default="USD", show_default=True, help="Of the payment of 0.01.")
@live_option
def smoke(environment: str | None, currency: str, live: bool) -> None:
    """Read, create a payment of 0.01, read it back, ask again under its key, cancel it; see it counted.

    Exit code 0: all six hold; 1: one does not, and those after it were not tried.
    """
    from prometheus_client import CollectorRegistry

    registry = CollectorRegistry()
    with calling(environment, registry) as client:
        key = consented(client, "smoke", live=live, key=None)
        click.echo(f"{client.base_url}")
        for name, holds in _Payment(client, registry, currency, key).criteria():
            try:
                held, why = holds(), ""
            except MolamError as error:
                held, why = False, as_told(f": {error}")
            click.echo(f"{'ok  ' if held else 'FAIL'} {name}{why}")
            if not held:
                sys.exit(_FAILED)


class _Payment:
    """A payment of 0.01 that is made and cancelled."""

    def __init__(self, client: MolamSyncClient, registry: CollectorRegistry, currency: str, key: str) -> None:
        self._client, self._registry, self._key = client, registry, key
        self._order: Any = {
            "amount": "0.01", "currency": currency, "description": "molam smoke", "metadata": {"smoke": key},
        }  # fmt: skip
        self._id = ""

    def criteria(self) -> tuple[Criterion, ...]:
        """What must hold, in this order."""
        client, amount = self._client, f"0.01 {self._order['currency']}"
        return (
            ("the key reads the balance", lambda: client.retrieve_balance() is not None),
            (f"a payment of {amount} is created", self._is_created),
            ("it is read back", lambda: client.retrieve_payment_intent(self._id).metadata.get("smoke") == self._key),
            ("the same key gives the same payment", self._is_replayed),
            ("it is cancelled", lambda: client.cancel_payment_intent(self._id).status == "canceled"),
            ("the breaker is closed, and the calls are counted", self._is_counted),
        )

    def _is_created(self) -> bool:
        self._id = self._client.create_payment_intent(self._order, idempotency_key=self._key).id
        return bool(self._id)

    def _is_replayed(self) -> bool:
        again = self._client.create_payment_intent(self._order, idempotency_key=self._key)
        return again.id == self._id and again.replayed

    def _is_counted(self) -> bool:
        created = {"endpoint": "create_payment_intent"}
        counted = self._registry.get_sample_value("molam_sdk_request_latency_seconds_count", created)
        return self._client.cb.current_state == "closed" and counted == 2
