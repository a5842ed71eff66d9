"""What is told of a call, and what resolve does about one whose end is unknown."""

from __future__ import annotations

from typing import Any

import pytest

from molam_sdk import (
    AuthenticationError,
    CircuitOpenError,
    ClientConfig,
    DeclinedError,
    MolamClient,
    MolamError,
    MolamTimeoutError,
    ServerError,
)
from molam_sdk._core.record import CallRecord, CallStart
from molam_sdk._core.wire import Failure, NoReply
from molam_sdk.testing import ScriptedTransport
from tests.support.script import OK, OUTAGE, TIMEOUT, client_of, error_reply


class Watching:
    def __init__(self) -> None:
        self.starts: list[CallStart] = []
        self.records: list[CallRecord] = []

    def call_started(self, start: CallStart) -> dict[str, str]:
        self.starts.append(start)
        return {"traceparent": "00-1-1-01"}

    def call_ended(self, record: CallRecord) -> None:
        self.records.append(record)


def test_an_observer_is_told_of_the_whole_call_and_may_add_headers() -> None:
    watching, transport = Watching(), ScriptedTransport(TIMEOUT, error_reply(402, X_Molam_Request_Id="req_1"))
    config = ClientConfig(api_key="sk_live_1", retry_backoff_factor=0)
    client = MolamClient(config, transport=transport, observers=[watching])
    with pytest.raises(DeclinedError):
        client.confirm_payment_intent("pi_1", idempotency_key="k")
    assert transport.requests[0].headers["traceparent"] == "00-1-1-01"
    assert watching.starts == [CallStart("confirm_payment_intent", "payments", "POST", "k")]
    assert watching.records == [
        CallRecord(
            operation="confirm_payment_intent",
            group="payments",
            method="POST",
            code="402",
            outcome="rejected",
            attempts=2,
            retries=("timeout",),
            elapsed=0.0,
            idempotency_key="k",
            request_id="req_1",
            replayed=False,
            error="DeclinedError",
            decline_reason="other",
            time_left=30.0,
        )
    ]


@pytest.mark.parametrize("name", ["Host", "content-length", "Transfer-Encoding", "AUTHORIZATION", "Idempotency-Key"])
def test_an_observer_may_not_replace_what_frames_or_authorizes_a_request(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    class Greedy(Watching):
        def call_started(self, start: CallStart) -> dict[str, str]:
            return {name: "evil", "traceparent": "00-1-1-01"}

    transport = ScriptedTransport(OK)
    client = MolamClient(ClientConfig(api_key="sk_live_1"), transport=transport, observers=[Greedy()])
    client.create_payment_intent({"amount": 100.5, "currency": "USD"}, idempotency_key="order-7")
    sent = transport.requests[0].headers
    assert "evil" not in sent.values()
    assert (sent["Authorization"], sent["Idempotency-Key"]) == ("Bearer sk_live_1", "order-7")
    assert sent["traceparent"] == "00-1-1-01"
    assert [record.getMessage() for record in caplog.records] == [f"observer Greedy may not set the header {name}"]


def test_an_observer_that_fails_does_not_reach_the_payment(caplog: pytest.LogCaptureFixture) -> None:
    class Broken:
        def call_started(self, start: CallStart) -> None:
            raise RuntimeError("at the start")

        def call_ended(self, record: CallRecord) -> None:
            raise RuntimeError("at the end")

    client = MolamClient(ClientConfig(api_key="sk_live_1"), transport=ScriptedTransport(OK), observers=[Broken()])
    assert client.create_payment_intent({"amount": 100.5, "currency": "USD"}).id == "pi_1"
    assert [record.message for record in caplog.records] == ["an observer failed observer=Broken"] * 2


@pytest.mark.parametrize("torn", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_a_call_torn_out_of_an_attempt_leaves_an_unknown_outcome_on_record(torn: type[BaseException]) -> None:
    watching = Watching()
    client = MolamClient(ClientConfig(api_key="sk_live_1"), transport=ScriptedTransport(torn()), observers=[watching])
    with pytest.raises(torn):
        client.create_payment_intent({"amount": 100.5, "currency": "USD"}, idempotency_key="k")
    record = watching.records[0]
    assert (record.outcome, record.code, record.error, record.idempotency_key) == (
        "unknown",
        "interrupted",
        torn.__name__,
        "k",
    )


def test_resolve_asks_the_same_again_until_a_definite_answer() -> None:
    transport = ScriptedTransport(*[TIMEOUT] * 4)
    client = client_of(transport)
    with pytest.raises(MolamTimeoutError) as caught:
        client.create_payment_intent({"amount": 100.5, "currency": "USD"})
    transport.script = [*[error_reply(OUTAGE)] * 9, OK]
    assert client.resolve(caught.value).id == "pi_1"
    assert len({(r.method, r.url, r.body, r.headers["Idempotency-Key"]) for r in transport.requests}) == 1


def test_resolve_keeps_the_doubt_it_began_with() -> None:
    transport = ScriptedTransport(*[TIMEOUT] * 4, error_reply(401))
    client = client_of(transport)
    with pytest.raises(MolamTimeoutError) as caught:
        client.create_payment_intent({"amount": 100.5, "currency": "USD"})
    with pytest.raises(AuthenticationError) as still:
        client.resolve(caught.value)
    assert still.value.outcome == "unknown"
    transport.script = [error_reply(402)]
    with pytest.raises(DeclinedError) as settled:
        client.resolve(still.value)
    assert settled.value.outcome == "rejected"


def test_resolve_ends_at_its_own_deadline() -> None:
    transport = ScriptedTransport(*[TIMEOUT] * 100, seconds_per_request=1.0)
    client = client_of(transport, max_retries=0)
    with pytest.raises(MolamTimeoutError) as caught:
        client.create_payment_intent({"amount": 100.5, "currency": "USD"})
    with pytest.raises(MolamTimeoutError) as still:
        client.resolve(caught.value, timeout=10)
    assert still.value.outcome == "unknown"
    assert 4 <= still.value.attempts <= 10  # each takes a second, and the pauses between them grow


def test_resolve_refuses_a_key_that_molam_may_have_forgotten() -> None:
    client = client_of(ScriptedTransport(*[TIMEOUT] * 4, OK))
    with pytest.raises(MolamTimeoutError) as caught:
        client.create_payment_intent({"amount": 100.5, "currency": "USD"})
    caught.value.occurred_at -= 23.5 * 3600
    with pytest.raises(MolamError, match="forgets keys after 24 h"):
        client.resolve(caught.value)
    caught.value.occurred_at += 1 * 3600
    assert client.resolve(caught.value).id == "pi_1"


def test_resolve_refuses_an_error_that_is_of_no_call() -> None:
    with pytest.raises(MolamError, match="carries no request"):
        client_of(ScriptedTransport()).resolve(MolamError("x"))


def test_resolve_waits_for_the_breaker_where_a_call_does_not() -> None:
    class Refusing:
        def __init__(self) -> None:
            self.refusals = [NoReply(Failure.CIRCUIT_OPEN, "open", retry_after=40.0), None]

        def admit(self, *, again: bool) -> NoReply | None:
            return self.refusals.pop(0)

        def leave(self, outage: bool | None, error: BaseException | None) -> None:
            assert (outage, error) == (False, None)

    class Guarded(MolamClient):
        def _passage(self) -> Any:
            return gate

    gate, transport = Refusing(), ScriptedTransport(OK)
    client = Guarded(ClientConfig(api_key="sk_live_1"), transport=transport)
    with pytest.raises(CircuitOpenError) as caught:
        client.create_payment_intent({"amount": 100.5, "currency": "USD"})
    assert (caught.value.outcome, caught.value.retry_after, caught.value.attempts) == ("not_sent", 40.0, 0)
    gate.refusals = [NoReply(Failure.CIRCUIT_OPEN, "open", retry_after=40.0), None]
    assert client.resolve(caught.value).id == "pi_1"
    (pause,) = transport.pauses
    assert 40.0 <= pause <= 40.3  # jitter on top, so that not all who were told the same come back at once


def test_a_breaker_that_opens_between_attempts_leaves_the_real_error() -> None:
    class Closing:
        def admit(self, *, again: bool) -> NoReply | None:
            return NoReply(Failure.CIRCUIT_OPEN, "open", retry_after=40.0) if again else None

        def leave(self, outage: bool | None, error: BaseException | None) -> None:
            assert outage is True

    class Guarded(MolamClient):
        def _passage(self) -> Any:
            return Closing()

    client = Guarded(ClientConfig(api_key="sk_live_1"), transport=ScriptedTransport(error_reply(OUTAGE)))
    with pytest.raises(ServerError) as caught:
        client.create_payment_intent({"amount": 100.5, "currency": "USD"})
    assert (caught.value.outcome, caught.value.attempts) == ("unknown", 1)
