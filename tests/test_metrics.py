"""What is counted, under the names and labels that dashboards use."""

from __future__ import annotations

import contextlib
from typing import Any, get_args

import pytest
from opentelemetry.sdk.trace import TracerProvider
from prometheus_client import REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as openmetrics

from molam_sdk import ClientConfig, MolamError, MolamSyncClient
from molam_sdk._core.decline import DECLINE_REASONS
from molam_sdk._core.operations import BY_NAME
from molam_sdk._core.rules import LABELS, RETRY_LABELS
from molam_sdk._core.wire import Failure, NoReply
from molam_sdk.exceptions import Outcome
from molam_sdk.metrics import metrics_for, metrics_request
from molam_sdk.otel import TraceObserver
from molam_sdk.testing import ScriptedTransport
from tests.support.script import CUT_YES, OK, OUTAGE, TIMEOUT, error_reply


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


@pytest.mark.parametrize(("code", "reason"), [("insufficient_funds", "insufficient_funds"), ("new_word", "other")])
def test_declines_are_counted_by_their_reason(code: str, reason: str) -> None:
    registry = CollectorRegistry()
    client = client_of(error_reply(402, code), error_reply(409, code), registry=registry, max_retries=0)
    end_of(client)
    end_of(client)
    counted = {each: value(registry, "molam_sdk_declines_total", reason=each) for each in DECLINE_REASONS}
    assert counted == dict.fromkeys(DECLINE_REASONS, 0) | {reason: 1}


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


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (NoReply(Failure.CIRCUIT_OPEN, "x"), "not_sent"),
        (error_reply(402), "rejected"),
        (TIMEOUT, "unknown"),
        (CUT_YES, "accepted"),
    ],
)
def test_what_a_failed_call_says_about_the_money_is_counted(answer: Any, outcome: str) -> None:
    registry = CollectorRegistry()
    end_of(client_of(answer, registry=registry, max_retries=0))
    outcomes = {
        each: value(registry, "molam_sdk_outcomes_total", endpoint="create_payment_intent", outcome=each)
        for each in get_args(Outcome)
    }
    assert outcomes == {"not_sent": 0, "rejected": 0, "unknown": 0, "accepted": 0} | {outcome: 1}


def test_a_success_has_no_outcome_to_look_after() -> None:
    registry = CollectorRegistry()
    end_of(client_of(OK, registry=registry))
    for outcome in get_args(Outcome):
        assert value(registry, "molam_sdk_outcomes_total", endpoint="create_payment_intent", outcome=outcome) == 0


def test_the_time_that_was_left_to_the_deadline_is_shown() -> None:
    registry = CollectorRegistry()
    assert value(registry, "molam_sdk_time_left_seconds_count") is None
    end_of(client_of(OK, registry=registry, timeout_total=3600))
    assert value(registry, "molam_sdk_time_left_seconds_count") == 1
    assert 3000 < (value(registry, "molam_sdk_time_left_seconds_sum") or 0) <= 3600


def test_a_call_whose_time_was_up_is_in_the_bucket_of_0() -> None:
    registry = CollectorRegistry()
    transport = ScriptedTransport(OK, seconds_per_request=31)
    end_of(MolamSyncClient(ClientConfig(api_key="sk_live_1"), transport=transport, registry=registry))
    assert value(registry, "molam_sdk_time_left_seconds_bucket", le="0.0") == 1


def test_the_bucket_of_a_call_names_its_trace_to_who_asks_for_openmetrics() -> None:
    registry = CollectorRegistry()
    config = ClientConfig(api_key="sk_live_1")
    observers = [TraceObserver(TracerProvider())]
    client = MolamSyncClient(config, transport=ScriptedTransport(OK), registry=registry, observers=observers)
    sent = client.create_payment_intent({"amount": 100.5, "currency": "USD"})
    assert sent.response is not None
    asked = client._state.transport.requests[0]  # type: ignore[attr-defined]  # a scripted one
    trace = asked.headers["traceparent"].split("-")[1]
    assert f'# {{trace_id="{trace}"}}' in openmetrics(registry).decode()
    assert trace not in generate_latest(registry).decode()
