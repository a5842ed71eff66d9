"""What is counted, under the names and labels that dashboards use."""

from __future__ import annotations

import contextlib
import gc
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import REGISTRY, CollectorRegistry, generate_latest

from molam_sdk import ClientConfig, MolamError, MolamSyncClient
from molam_sdk._core.operations import BY_NAME
from molam_sdk._core.rules import LABELS, RETRY_LABELS
from molam_sdk._core.wire import Failure, NoReply
from molam_sdk.cb import create_circuit_breaker
from molam_sdk.metrics import metrics_for, metrics_request, watch_breaker
from molam_sdk.testing import ScriptedTransport
from tests.support.script import OK, OUTAGE, TIMEOUT, error_reply


def client_of(*script: Any, registry: CollectorRegistry, **settings: Any) -> MolamSyncClient:
    config = ClientConfig(**({"api_key": "sk_live_1", "retry_backoff_factor": 0} | settings))
    return MolamSyncClient(config, transport=ScriptedTransport(*script), registry=registry)


def value(registry: CollectorRegistry, name: str, /, **labels: str) -> float | None:
    return registry.get_sample_value(name, labels)


def end_of(client: MolamSyncClient) -> None:
    with contextlib.suppress(MolamError):
        client.create_payment_intent({"amount": 100.5, "currency": "USD"})


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (OK, "200"),
        (error_reply(402), "402"),
        (error_reply(503), "503"),
        (TIMEOUT, "timeout"),
        (NoReply(Failure.RESET, "x"), "network_error"),
        (NoReply(Failure.MALFORMED, "x"), "invalid_response"),
        (NoReply(Failure.CIRCUIT_OPEN, "x"), "circuit_open"),
        (NoReply(Failure.BULKHEAD_FULL, "x"), "bulkhead_full"),
    ],
)
def test_a_call_is_counted_by_how_it_ended(answer: Any, code: str) -> None:
    registry = CollectorRegistry()
    end_of(client_of(answer, registry=registry, max_retries=0))
    labels = {"endpoint": "create_payment_intent", "code": code}
    assert value(registry, "molam_sdk_requests_total", **labels) == 1
    assert value(registry, "molam_sdk_request_latency_seconds_count", endpoint="create_payment_intent") == 1
    assert value(registry, "molam_sdk_calls_in_flight", group="payments") == 0


def test_an_open_circuit_is_not_a_500() -> None:
    registry = CollectorRegistry()
    client = client_of(registry=registry)
    client.cb.open()
    end_of(client)
    assert value(registry, "molam_sdk_requests_total", endpoint="create_payment_intent", code="circuit_open") == 1
    assert value(registry, "molam_sdk_requests_total", endpoint="create_payment_intent", code="500") == 0


def test_retries_are_counted_by_their_reason() -> None:
    registry = CollectorRegistry()
    end_of(client_of(TIMEOUT, error_reply(OUTAGE), error_reply(OUTAGE), OK, registry=registry))
    assert value(registry, "molam_sdk_retries_total", reason="timeout") == 1
    assert value(registry, "molam_sdk_retries_total", reason=str(OUTAGE)) == 2
    assert value(registry, "molam_sdk_requests_total", endpoint="create_payment_intent", code="200") == 1


@pytest.mark.parametrize("wrong", [{"timeout": -1}, {"timeout": "soon"}])
def test_a_call_that_is_refused_before_it_begins_is_not_left_in_flight(wrong: dict[str, Any]) -> None:
    registry = CollectorRegistry()
    with pytest.raises(MolamError, match="timeout"):
        client_of(registry=registry).create_payment_intent({"amount": 100.5, "currency": "USD"}, **wrong)
    assert value(registry, "molam_sdk_calls_in_flight", group="payments") == 0


def test_calls_in_flight_are_seen_while_they_are() -> None:
    registry = CollectorRegistry()
    seen: list[float | None] = []

    def look(request: Any) -> Any:
        seen.append(value(registry, "molam_sdk_calls_in_flight", group="payments"))
        return OK

    end_of(client_of(look, registry=registry))
    assert seen == [1]


def test_series_exist_before_the_first_event() -> None:
    registry = CollectorRegistry()
    client_of(registry=registry)
    for endpoint in BY_NAME:
        for code in ("200", "timeout", "circuit_open"):
            assert value(registry, "molam_sdk_requests_total", endpoint=endpoint, code=code) == 0
        assert value(registry, "molam_sdk_request_latency_seconds_count", endpoint=endpoint) == 0
    assert value(registry, "molam_sdk_retries_total", reason="timeout") == 0
    assert value(registry, "molam_sdk_circuit_breaker_state", name="molam_api_cb") == 0
    assert value(registry, "molam_sdk_circuit_breaker_state_changes_total", name="molam_api_cb", to="open") == 0


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


def test_breakers_of_one_name_show_the_worst_of_them() -> None:
    registry = CollectorRegistry()

    def shown() -> float | None:
        return value(registry, "molam_sdk_circuit_breaker_state", name="molam_api_cb")

    first = client_of(registry=registry)
    first.cb.open()
    second = client_of(registry=registry)
    assert shown() == 2
    second.cb.open()
    first.cb.close()
    assert shown() == 2
    second.cb.half_open()
    assert shown() == 1
    second.cb.close()
    assert shown() == 0


def test_a_breaker_that_is_gone_is_shown_no_more() -> None:
    registry = CollectorRegistry()
    gone = create_circuit_breaker("mine")
    watch_breaker(gone, registry)
    gone.open()
    del gone
    gc.collect()
    watch_breaker(create_circuit_breaker("mine"), registry)
    assert value(registry, "molam_sdk_circuit_breaker_state", name="mine") == 0


@pytest.mark.parametrize("code", LABELS)
def test_every_code_of_the_rules_stands_at_0_from_the_start(code: str) -> None:
    registry = CollectorRegistry()
    client_of(registry=registry)
    for endpoint in BY_NAME:
        assert value(registry, "molam_sdk_requests_total", endpoint=endpoint, code=code) == 0


@pytest.mark.parametrize("reason", RETRY_LABELS)
def test_every_reason_to_retry_stands_at_0_from_the_start(reason: str) -> None:
    registry = CollectorRegistry()
    client_of(registry=registry)
    assert value(registry, "molam_sdk_retries_total", reason=reason) == 0


@pytest.mark.parametrize(("seconds", "below", "above"), [(20.0, "30.0", "10.0"), (0.004, "0.005", None)])
def test_the_buckets_reach_from_5_ms_to_the_default_deadline(seconds: float, below: str, above: str | None) -> None:
    registry = CollectorRegistry()
    metrics_request("refund_by_hand", 200, seconds, registry)
    name = "molam_sdk_request_latency_seconds_bucket"
    assert value(registry, name, endpoint="refund_by_hand", le=below) == 1
    assert above is None or value(registry, name, endpoint="refund_by_hand", le=above) == 0


def test_many_clients_share_one_registry() -> None:
    registry = CollectorRegistry()
    for _ in range(3):
        end_of(client_of(OK, registry=registry))
    assert value(registry, "molam_sdk_requests_total", endpoint="create_payment_intent", code="200") == 3
    assert metrics_for(registry) is metrics_for(registry)


def test_the_default_registry_is_prometheus_own() -> None:
    before = value(REGISTRY, "molam_sdk_requests_total", endpoint="refund_by_hand", code="201") or 0
    metrics_request("refund_by_hand", 201, 0.2)
    assert value(REGISTRY, "molam_sdk_requests_total", endpoint="refund_by_hand", code="201") == before + 1


def test_ids_and_paths_are_in_no_label() -> None:
    registry = CollectorRegistry()
    client = client_of(error_reply(404), error_reply(404), registry=registry)
    with pytest.raises(MolamError):
        client.retrieve_payment_intent("pi_secret_id")
    with pytest.raises(MolamError):
        client.get("/v1/very/special/path")
    text = generate_latest(registry).decode()
    assert "pi_secret_id" not in text
    assert "special" not in text


def test_what_was_counted_before_anybody_looked_is_kept() -> None:
    registry = CollectorRegistry()
    metrics_request("create_payment_intent", 200, 0.1, registry=registry)
    shown = generate_latest(registry).decode()
    assert 'molam_sdk_requests_total{code="200",endpoint="create_payment_intent"} 1.0' in shown
    assert 'molam_sdk_requests_total{code="timeout",endpoint="create_payment_intent"} 0.0' in shown


def test_a_client_starts_without_naming_series_that_nobody_looks_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PROMETHEUS_MULTIPROC_DIR", raising=False)
    registry = CollectorRegistry()
    client_of(registry=registry)
    unnamed = metrics_for(registry).requests
    assert not next(iter(unnamed.collect())).samples
    assert value(registry, "molam_sdk_requests_total", endpoint="post", code="timeout") == 0


def test_multiprocess_mode_shows_the_series_of_a_worker_that_has_not_called_yet(tmp_path: Path) -> None:
    program = textwrap.dedent(
        """
        from prometheus_client import CollectorRegistry, multiprocess
        from molam_sdk import ClientConfig, MolamSyncClient
        from molam_sdk.testing import ScriptedTransport
        client = MolamSyncClient(ClientConfig(api_key="sk_live_1"), transport=ScriptedTransport())
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)
        labels = {"endpoint": "create_payout", "code": "timeout"}
        print(registry.get_sample_value("molam_sdk_requests_total", labels))
        print(registry.get_sample_value("molam_sdk_retries_total", {"reason": "timeout"}))
        """
    )
    environ = os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    ran = subprocess.run([sys.executable, "-c", program], env=environ, capture_output=True, text=True, timeout=60)
    assert (ran.returncode, ran.stdout.split()) == (0, ["0.0", "0.0"]), ran.stderr


def test_multiprocess_mode_adds_up_the_workers(tmp_path: Path) -> None:
    program = textwrap.dedent(
        """
        import os, sys
        from prometheus_client import CollectorRegistry, generate_latest, multiprocess
        from molam_sdk import ClientConfig, MolamSyncClient
        from molam_sdk.testing import ScriptedTransport, reply
        body = {"id": "pi_1", "status": "s", "amount": 100.5, "currency": "USD"}
        script = [reply(200, body)] * 3
        client = MolamSyncClient(ClientConfig(api_key="sk_live_1"), transport=ScriptedTransport(*script))
        pids = []
        for _ in range(2):
            pid = os.fork()
            if not pid:
                for _ in range(3):
                    client.create_payment_intent({"amount": 100.5, "currency": "USD"})
                os._exit(0)
            pids.append(pid)
        assert all(os.waitpid(pid, 0)[1] == 0 for pid in pids)
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)
        labels = {"endpoint": "create_payment_intent", "code": "200"}
        print(registry.get_sample_value("molam_sdk_requests_total", labels))
        """
    )
    if not hasattr(os, "fork"):
        pytest.skip("no fork on this system")
    environ = os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    ran = subprocess.run([sys.executable, "-c", program], env=environ, capture_output=True, text=True, timeout=60)
    assert (ran.returncode, ran.stdout.strip()) == (0, "6.0"), ran.stderr


def test_multiprocess_mode_shows_the_worst_breaker_and_all_calls_in_flight_of_living_workers(tmp_path: Path) -> None:
    program = textwrap.dedent(
        """
        import os
        from prometheus_client import CollectorRegistry, multiprocess
        from molam_sdk import ClientConfig, MolamSyncClient
        from molam_sdk.testing import ScriptedTransport, reply
        body = {"id": "pi_1", "status": "s", "amount": 100.5, "currency": "USD"}
        ready, told = os.pipe()
        held, release = os.pipe()

        def wait_in_flight(request):
            os.write(told, b"x")
            os.read(held, 1)
            return reply(200, body)

        def worker(opens):
            client = MolamSyncClient(ClientConfig(api_key="sk_live_1"), transport=ScriptedTransport(wait_in_flight))
            other = MolamSyncClient(ClientConfig(api_key="sk_live_1"), "other", transport=ScriptedTransport())
            if opens:
                other.cb.open()
            client.create_payment_intent({"amount": 100.5, "currency": "USD"})
            os._exit(0)

        def shown():
            registry = CollectorRegistry()
            multiprocess.MultiProcessCollector(registry)
            return (
                registry.get_sample_value("molam_sdk_circuit_breaker_state", {"name": "other"}),
                registry.get_sample_value("molam_sdk_calls_in_flight", {"group": "payments"}),
            )

        pids = []
        for opens in (True, False):
            pid = os.fork()
            if not pid:
                worker(opens)
            pids.append(pid)
            os.read(ready, 1)
        while_they_live = shown()
        for pid in pids:
            os.write(release, b"x")
            os.waitpid(pid, 0)
            multiprocess.mark_process_dead(pid)
        print(while_they_live, shown())
        """
    )
    if not hasattr(os, "fork"):
        pytest.skip("no fork on this system")
    environ = os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    ran = subprocess.run([sys.executable, "-c", program], env=environ, capture_output=True, text=True, timeout=60)
    assert (ran.returncode, ran.stdout.strip()) == (0, "(2.0, 2.0) (None, None)"), ran.stderr
