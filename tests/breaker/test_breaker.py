"""The breaker: what trips it, what never does, and that nobody waits inside it."""

from __future__ import annotations

import threading
from typing import Any

import pybreaker
import pytest
from prometheus_client import CollectorRegistry

from molam_sdk import CircuitOpenError, ClientConfig, MolamSyncClient, NetworkError, ServerError
from molam_sdk._breaker.breaker import Breaker, Passage
from molam_sdk._core.rules import RULES
from molam_sdk._core.wire import Failure, NoReply
from molam_sdk.cb import create_circuit_breaker
from molam_sdk.testing import ScriptedTransport, reply
from tests.support.breaker import Waiting, call, guarded
from tests.support.script import OK, OUTAGE, TIMEOUT, error_reply


def test_five_outages_in_a_row_open_it_and_the_fifth_raises_its_own_error() -> None:
    client = guarded(ScriptedTransport(*[error_reply(503)] * 5))
    assert call(client, 6) == ["ServerError"] * 5 + ["CircuitOpenError"]
    assert client.cb.current_state == pybreaker.STATE_OPEN


OUTAGES = [error_reply(case) for case, rule in RULES.items() if isinstance(case, int) and rule.outage]


@pytest.mark.parametrize("answer", [*OUTAGES, TIMEOUT])
def test_an_outage_counts(answer: Any) -> None:
    client = guarded(ScriptedTransport(answer))
    call(client)
    assert client.cb.fail_counter == 1


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 409, 422, 429])
def test_a_4xx_shows_that_the_api_lives(status: int) -> None:
    client = guarded(ScriptedTransport(*[error_reply(503)] * 4, *[error_reply(status)] * 50))
    call(client, 54)
    assert client.cb.current_state == pybreaker.STATE_CLOSED
    assert client.cb.fail_counter == 0


def test_fifty_declines_never_open_it() -> None:
    client = guarded(ScriptedTransport(*[error_reply(402)] * 50))
    assert call(client, 50) == ["DeclinedError"] * 50


def test_a_call_counts_once_however_many_attempts_it_takes() -> None:
    config = ClientConfig(api_key="sk_live_1", retry_backoff_factor=0)
    transport = ScriptedTransport(*[error_reply(OUTAGE)] * 3, OK, *[error_reply(OUTAGE)] * 4)
    client = MolamSyncClient(config, transport=transport, registry=CollectorRegistry())
    assert call(client, 2) == ["ok", "ServerError"]
    assert client.cb.fail_counter == 1


def test_a_refusal_is_honest() -> None:
    client = guarded(ScriptedTransport(*[error_reply(503)] * 5))
    call(client, 5)
    with pytest.raises(CircuitOpenError) as caught:
        client.create_payment_intent({"amount": 100.5, "currency": "USD"}, idempotency_key="order-7")
    error = caught.value
    assert isinstance(error, pybreaker.CircuitBreakerError)
    assert (error.outcome, error.attempts, error.idempotency_key) == ("not_sent", 0, "order-7")
    assert error.retry_after is not None
    assert 59 < error.retry_after <= 60
    assert "molam_api_cb" in str(error)


def test_threads_are_in_flight_together() -> None:
    waiting = Waiting()
    client = guarded(waiting)
    threads = [threading.Thread(target=call, args=(client,)) for _ in range(32)]
    for thread in threads:
        thread.start()
    assert all(waiting.sent.acquire(timeout=10) for _ in threads)
    waiting.go.set()
    for thread in threads:
        thread.join()


def test_a_straggler_from_before_it_opened_decides_nothing() -> None:
    waiting = Waiting(OK)
    client = guarded(waiting)
    thread = threading.Thread(target=call, args=(client,))
    thread.start()
    assert waiting.sent.acquire(timeout=10)
    client.cb.open()
    waiting.go.set()
    thread.join()
    assert client.cb.current_state == pybreaker.STATE_OPEN


@pytest.mark.parametrize("torn", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_an_interruption_never_counts(torn: type[BaseException]) -> None:
    client = guarded(ScriptedTransport(*[torn()] * 9))
    for _ in range(9):
        with pytest.raises(torn):
            client.create_payment_intent({"amount": 100.5, "currency": "USD"})
    assert client.cb.fail_counter == 0


def test_a_local_mistake_is_neither_success_nor_failure() -> None:
    client = guarded(ScriptedTransport(error_reply(503), NoReply(Failure.NOT_SENDABLE, "x")))
    assert call(client, 2) == ["ServerError", "RequestValidationError"]
    assert client.cb.fail_counter == 1


def test_the_breaker_can_be_shared_and_listens_to_pybreakers_rules() -> None:
    seen: list[str] = []

    class Listener(pybreaker.CircuitBreakerListener):
        def failure(self, cb: Any, exc: Any) -> None:
            seen.append(type(exc).__name__)

        def success(self, cb: Any) -> None:
            seen.append("success")

    shared = create_circuit_breaker("shared", fail_max=2, exclude=[NetworkError], listeners=[Listener()])
    first = guarded(ScriptedTransport(error_reply(503), TIMEOUT, OK), cb=shared)
    second = guarded(ScriptedTransport(error_reply(503), error_reply(503)), cb=shared)
    assert call(first, 3) == ["ServerError", "MolamTimeoutError", "ok"]
    assert call(second, 3) == ["ServerError", "ServerError", "CircuitOpenError"]
    assert seen[:2] == ["ServerError", "success"]
    assert first.cb is shared


def test_an_error_of_a_listener_is_logged_and_costs_no_payment(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(pybreaker.CircuitBreakerListener):
        def failure(self, cb: Any, exc: Any) -> None:
            raise RuntimeError("listener")

    breaker = Breaker(create_circuit_breaker(listeners=[Broken()]))
    gate = Passage(breaker)
    assert gate.admit(again=False) is None
    gate.leave(True, ServerError(503))
    assert "a listener of the circuit breaker failed" in caplog.text


def test_opening_and_closing_is_logged_with_the_facts_in_the_message(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "molam_sdk")
    shared = create_circuit_breaker("payouts", reset_timeout=7)
    for _ in range(2):
        guarded(ScriptedTransport(), cb=shared)
    shared.open()
    shared.half_open()
    shared.close()
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("WARNING", "circuit breaker 'payouts' is open: calls are refused for 7 s"),
        ("INFO", "circuit breaker 'payouts' is half-open"),
        ("INFO", "circuit breaker 'payouts' is closed"),
    ]
    facts = vars(caplog.records[0])
    assert (facts["breaker"], facts["from_state"], facts["to_state"]) == ("payouts", "closed", "open")


@pytest.fixture
def held() -> Breaker:
    breaker = Breaker(create_circuit_breaker())
    breaker.cb._lock.acquire()
    breaker._lock.acquire()
    return breaker


def test_a_child_process_waits_for_no_lock_of_its_parent(held: Breaker) -> None:
    held.after_fork()
    ended = threading.Event()

    def feed() -> None:
        held.feed(True, ServerError(503), probe=False)
        ended.set()

    threading.Thread(target=feed, daemon=True).start()
    assert ended.wait(5)


def test_the_view_without_the_breaker_still_works_while_it_is_open() -> None:
    client = guarded(ScriptedTransport(reply(200, {"id": "pi_1", "status": "s", "amount": 100.5, "currency": "USD"})))
    client.cb.open()
    client.set_api_key("sk_live_2")
    client.set_region("eu-west")
    view = client.client
    assert (view.base_url, view.headers["Authorization"]) == ("https://api-eu-west.molam.io", "Bearer sk_live_2")
    assert view.create_payment_intent({"amount": 100.5, "currency": "USD"}).id == "pi_1"
