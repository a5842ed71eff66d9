"""What metrics tell of breakers: their state and its changes, in one row for each name."""

from __future__ import annotations

import contextlib
import gc
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from molam_sdk import ClientConfig, MolamError, MolamSyncClient
from molam_sdk._breaker import metrics as breaker_metrics
from molam_sdk._breaker.metrics import _Listener
from molam_sdk.cb import create_circuit_breaker
from molam_sdk.metrics import watch_breaker
from molam_sdk.testing import ScriptedTransport
from tests.support.script import error_reply


def client_of(*script: Any, registry: CollectorRegistry, **settings: Any) -> MolamSyncClient:
    config = ClientConfig(**({"api_key": "sk_live_1", "retry_backoff_factor": 0} | settings))
    return MolamSyncClient(config, transport=ScriptedTransport(*script), registry=registry)


def value(registry: CollectorRegistry, name: str, /, **labels: str) -> float | None:
    return registry.get_sample_value(name, labels)


def shown(registry: CollectorRegistry) -> float | None:
    return value(registry, "molam_sdk_circuit_breaker_state", name="molam_api_cb")


def changes(registry: CollectorRegistry, to: str) -> float | None:
    return value(registry, "molam_sdk_circuit_breaker_state_changes_total", name="molam_api_cb", to=to)


def rows(registry: CollectorRegistry) -> list[str]:
    return generate_latest(registry).decode().splitlines()


def end_of(client: MolamSyncClient) -> None:
    with contextlib.suppress(MolamError):
        client.create_payment_intent({"amount": 100.5, "currency": "USD"})


def test_the_breakers_state_is_shown() -> None:
    registry = CollectorRegistry()
    client = client_of(*[error_reply(503)] * 5, registry=registry, max_retries=0)
    for _ in range(5):
        end_of(client)
    assert value(registry, "molam_sdk_circuit_breaker_state", name="molam_api_cb") == 2
    client.cb.half_open()
    assert value(registry, "molam_sdk_circuit_breaker_state", name="molam_api_cb") == 1
    client.cb.close()
    assert value(registry, "molam_sdk_circuit_breaker_state", name="molam_api_cb") == 0
    for to in ("open", "half-open", "closed"):
        assert value(registry, "molam_sdk_circuit_breaker_state_changes_total", name="molam_api_cb", to=to) == 1


def test_a_shared_breaker_is_counted_once() -> None:
    registry, shared = CollectorRegistry(), create_circuit_breaker("shared")
    shared.open()
    for _ in range(2):
        MolamSyncClient(ClientConfig(api_key="sk_live_1"), cb=shared, registry=registry)
    assert value(registry, "molam_sdk_circuit_breaker_state", name="shared") == 2
    shared.close()
    assert value(registry, "molam_sdk_circuit_breaker_state_changes_total", name="shared", to="closed") == 1


def test_breakers_of_one_name_show_the_worst_of_them_in_one_row() -> None:
    registry = CollectorRegistry()
    first, second = client_of(registry=registry), client_of(registry=registry, base_url="https://elsewhere.test")
    assert first.cb is not second.cb
    first.cb.open()
    assert shown(registry) == 2
    second.cb.open()
    first.cb.close()
    assert shown(registry) == 2
    second.cb.half_open()
    assert shown(registry) == 1
    second.cb.close()
    assert shown(registry) == 0
    assert [row for row in rows(registry) if row.startswith("molam_sdk_circuit_breaker_state{")] == [
        'molam_sdk_circuit_breaker_state{name="molam_api_cb"} 0.0'
    ]


def test_a_client_that_is_made_later_neither_hides_nor_doubles_what_is_counted() -> None:
    registry = CollectorRegistry()
    client_of(registry=registry).cb.open()
    for _ in range(3):
        client_of(registry=registry)
    assert (shown(registry), changes(registry, "open")) == (2, 1)


def test_a_breaker_is_shown_in_every_registry_of_its_clients() -> None:
    one, other = CollectorRegistry(), CollectorRegistry()
    client_of(registry=one)
    client_of(registry=other).cb.open()
    assert (shown(one), shown(other)) == (2, 2)
    assert (changes(one, "open"), changes(other, "open")) == (1, 1)


def test_a_registry_that_is_gone_leaves_nothing_in_a_breaker_that_stays() -> None:
    kept = create_circuit_breaker("kept")
    for _ in range(3):
        watch_breaker(kept, CollectorRegistry())
    gc.collect()
    (listener,) = kept.listeners
    assert isinstance(listener, _Listener)
    assert len(listener.shown) == 0
    kept.open()


def test_names_beyond_the_bound_share_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(breaker_metrics, "_MOST_NAMES", 2)
    registry = CollectorRegistry()
    for name in ("a", "b", "c", "d", "a"):
        watch_breaker(create_circuit_breaker(name), registry)
    assert [row for row in rows(registry) if row.startswith("molam_sdk_circuit_breaker_state{")] == [
        f'molam_sdk_circuit_breaker_state{{name="{name}"}} 0.0' for name in ("a", "b", "others")
    ]


def test_a_breaker_that_is_gone_is_shown_no_more() -> None:
    registry = CollectorRegistry()
    gone = create_circuit_breaker("mine")
    watch_breaker(gone, registry)
    gone.open()
    del gone
    gc.collect()
    watch_breaker(create_circuit_breaker("mine"), registry)
    assert value(registry, "molam_sdk_circuit_breaker_state", name="mine") == 0
