"""The breaker: what trips it, what never does, and that nobody waits inside it."""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from typing import Any

import pybreaker
import pytest
from prometheus_client import CollectorRegistry

from molam_sdk import CircuitOpenError, ClientConfig, MolamError, MolamSyncClient, NetworkError, ServerError
from molam_sdk._core.rules import RULES
from molam_sdk._core.wire import Failure, NoReply
from molam_sdk.cb import Breaker, FailureRate, create_circuit_breaker
from molam_sdk.testing import ScriptedTransport, reply
from tests.support.script import OK, OUTAGE, TIMEOUT, error_reply


def guarded(transport: Any, **options: Any) -> MolamSyncClient:
    config = ClientConfig(api_key="sk_live_1", max_retries=0)
    return MolamSyncClient(config, transport=transport, registry=CollectorRegistry(), **options)


def call(client: MolamSyncClient, times: int = 1) -> list[str]:
    """The classes of the errors, or "ok"."""
    ends = []
    for _ in range(times):
        try:
            client.create_payment_intent({"amount": 100.5, "currency": "USD"})
            ends.append("ok")
        except MolamError as error:
            ends.append(type(error).__name__)
    return ends


def let_time_pass(client: MolamSyncClient, seconds: float) -> None:
    storage = client.cb._state_storage
    assert storage.opened_at is not None
    storage.opened_at -= timedelta(seconds=seconds)


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


def test_after_the_reset_timeout_a_success_closes_it() -> None:
    client = guarded(ScriptedTransport(*[error_reply(503)] * 5, OK, OK))
    call(client, 5)
    let_time_pass(client, 61)
    assert call(client, 2) == ["ok", "ok"]
    assert client.cb.current_state == pybreaker.STATE_CLOSED


def test_after_the_reset_timeout_an_outage_opens_it_again() -> None:
    client = guarded(ScriptedTransport(*[error_reply(503)] * 6))
    call(client, 5)
    let_time_pass(client, 61)
    assert call(client, 2) == ["ServerError", "CircuitOpenError"]


def test_a_decline_while_half_open_closes_it() -> None:
    client = guarded(ScriptedTransport(*[error_reply(503)] * 5, error_reply(402)))
    call(client, 5)
    let_time_pass(client, 61)
    call(client)
    assert client.cb.current_state == pybreaker.STATE_CLOSED


def test_the_success_threshold_counts() -> None:
    client = guarded(ScriptedTransport(*[error_reply(503)] * 5, OK, OK), cb_success_threshold=2)
    call(client, 5)
    let_time_pass(client, 61)
    call(client)
    assert client.cb.current_state == pybreaker.STATE_HALF_OPEN
    call(client)
    assert client.cb.current_state == pybreaker.STATE_CLOSED


class Waiting:
    """Holds every request until it is let go, as a slow server does."""

    def __init__(self, answer: Any = OK) -> None:
        self.answer, self.sent, self.go = answer, threading.Semaphore(0), threading.Event()

    def send(self, request: Any) -> Any:
        self.sent.release()
        assert self.go.wait(10)
        return self.answer

    def sleep(self, seconds: float) -> None:
        raise AssertionError("no pause is due")

    def clock(self) -> float:
        return time.monotonic()

    def close(self) -> None:
        pass


@pytest.mark.parametrize("probes", [1, 3])
def test_half_open_admits_a_bounded_number_of_probes(probes: int) -> None:
    waiting = Waiting()
    client = guarded(waiting, cb_half_open_probes=probes)
    client.cb.open()
    let_time_pass(client, 61)
    ends: list[str] = []
    threads = [threading.Thread(target=lambda: ends.extend(call(client))) for _ in range(16)]
    for thread in threads:
        thread.start()
    for _ in range(probes):
        assert waiting.sent.acquire(timeout=10)
    while len(ends) < 16 - probes:
        time.sleep(0.001)
    waiting.go.set()
    for thread in threads:
        thread.join()
    assert sorted(ends) == ["CircuitOpenError"] * (16 - probes) + ["ok"] * probes


def test_a_refused_probe_says_when_to_come_back() -> None:
    waiting = Waiting()
    client = guarded(waiting)
    client.cb.half_open()
    thread = threading.Thread(target=call, args=(client,))
    thread.start()
    assert waiting.sent.acquire(timeout=10)
    with pytest.raises(CircuitOpenError) as caught:
        client.create_payment_intent({"amount": 100.5, "currency": "USD"})
    assert caught.value.retry_after == 1.0
    waiting.go.set()
    thread.join()


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


def test_a_straggler_decides_nothing_while_it_is_half_open() -> None:
    waiting = Waiting(error_reply(503))
    client = guarded(waiting)
    thread = threading.Thread(target=call, args=(client,))
    thread.start()
    assert waiting.sent.acquire(timeout=10)
    client.cb.half_open()
    waiting.go.set()
    thread.join()
    assert client.cb.current_state == pybreaker.STATE_HALF_OPEN


@pytest.mark.parametrize("torn", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_an_interruption_never_counts(torn: type[BaseException]) -> None:
    client = guarded(ScriptedTransport(*[torn()] * 9))
    for _ in range(9):
        with pytest.raises(torn):
            client.create_payment_intent({"amount": 100.5, "currency": "USD"})
    assert client.cb.fail_counter == 0


def test_an_interrupted_probe_makes_room_for_another() -> None:
    client = guarded(ScriptedTransport(KeyboardInterrupt(), OK))
    client.cb.half_open()
    with pytest.raises(KeyboardInterrupt):
        client.create_payment_intent({"amount": 100.5, "currency": "USD"})
    assert call(client) == ["ok"]


def test_a_local_mistake_is_neither_success_nor_failure() -> None:
    client = guarded(ScriptedTransport(error_reply(503), NoReply(Failure.NOT_SENDABLE, "x")))
    assert call(client, 2) == ["ServerError", "RequestValidationError"]
    assert client.cb.fail_counter == 1


def test_a_failure_rate_opens_it_where_a_count_never_would() -> None:
    pattern = [*[error_reply(503)] * 4, OK]
    without = guarded(ScriptedTransport(*pattern * 10))
    call(without, 50)
    assert without.cb.current_state == pybreaker.STATE_CLOSED
    client = guarded(ScriptedTransport(*pattern * 10), cb_failure_rate=FailureRate(0.5, minimum_calls=20))
    assert call(client, 21)[-1] == "CircuitOpenError"


def test_a_failure_rate_waits_for_its_minimum_of_calls() -> None:
    client = guarded(ScriptedTransport(*[error_reply(503), OK] * 9), cb_failure_rate=FailureRate(0.5, minimum_calls=19))
    call(client, 18)
    assert client.cb.current_state == pybreaker.STATE_CLOSED


@pytest.mark.parametrize(
    "wrong", [{"rate": 0}, {"rate": 1.1}, {"rate": 0.5, "minimum_calls": 0}, {"rate": 0.5, "seconds": 0}]
)
def test_a_failure_rate_that_means_nothing_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="FailureRate"):
        FailureRate(**wrong)


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


def test_a_plain_breaker_behaves_as_pybreaker() -> None:
    breaker = create_circuit_breaker("mine", fail_max=2, reset_timeout=7)
    assert (breaker.name, breaker.fail_max, breaker.reset_timeout) == ("mine", 2, 7)
    with pytest.raises(ZeroDivisionError):
        breaker.call(lambda: 1 / 0)
    with pytest.raises(pybreaker.CircuitBreakerError):
        breaker.call(lambda: 1 / 0)


def test_an_error_of_a_listener_is_logged_and_costs_no_payment(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(pybreaker.CircuitBreakerListener):
        def failure(self, cb: Any, exc: Any) -> None:
            raise RuntimeError("listener")

    breaker = Breaker(create_circuit_breaker(listeners=[Broken()]))
    gate = breaker.passage()
    assert gate.admit(again=False) is None
    gate.leave(True, ServerError(503))
    assert "a listener of the circuit breaker failed" in caplog.text


def test_storage_that_gives_a_naive_time_is_read_as_utc() -> None:
    client = guarded(ScriptedTransport())
    client.cb.open()
    storage = client.cb._state_storage
    assert storage.opened_at is not None
    storage.opened_at = storage.opened_at.replace(tzinfo=None)
    assert call(client) == ["CircuitOpenError"]
    storage.opened_at = None  # type: ignore[assignment]  # a storage that has forgotten


def test_an_open_breaker_without_a_time_lets_a_probe_through() -> None:
    client = guarded(ScriptedTransport(OK))
    client.cb.open()
    client.cb._state_storage._opened_at = None
    assert call(client) == ["ok"]


class Clock:
    """A monotonic clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def opened(clock: Clock, *, reset_timeout: float = 1.0) -> Breaker:
    breaker = Breaker(create_circuit_breaker(reset_timeout=reset_timeout), clock=clock)
    breaker.cb.open()
    return breaker


def waits(breaker: Breaker) -> float | None:
    refused = breaker.passage().admit(again=False)
    return None if refused is None else refused.retry_after


def test_an_hour_back_of_the_wall_clock_adds_no_second() -> None:
    clock = Clock()
    breaker = opened(clock)
    storage = breaker.cb._state_storage
    assert storage.opened_at is not None
    storage.opened_at += timedelta(hours=1)  # as it looks once the clock has been set back
    assert waits(breaker) == 1.0
    clock.now += 0.75
    assert waits(breaker) == 0.25
    clock.now += 0.25
    assert waits(breaker) is None


def test_the_wait_is_counted_by_the_monotonic_clock_alone() -> None:
    clock = Clock()
    breaker = opened(clock, reset_timeout=60.0)
    assert waits(breaker) == pytest.approx(60, abs=1)
    clock.now += 59
    assert waits(breaker) == pytest.approx(1, abs=1)
    clock.now += 1
    assert waits(breaker) is None


def test_each_opening_is_waited_for_anew() -> None:
    clock = Clock()
    breaker = opened(clock, reset_timeout=60.0)
    assert waits(breaker) is not None
    clock.now += 61
    breaker.cb.open()
    assert waits(breaker) == pytest.approx(60, abs=1)


def test_a_later_attempt_of_an_admitted_call_is_refused_while_it_is_open() -> None:
    breaker = Breaker(create_circuit_breaker())
    gate = breaker.passage()
    assert gate.admit(again=False) is None
    breaker.cb.open()
    refused = gate.admit(again=True)
    assert refused is not None
    assert refused.failure is Failure.CIRCUIT_OPEN


def test_a_probe_may_go_on_whatever_the_breaker_says() -> None:
    breaker = Breaker(create_circuit_breaker())
    breaker.cb.half_open()
    probe = breaker.passage()
    assert probe.admit(again=False) is None
    breaker.cb.open()
    assert probe.admit(again=True) is None


def test_a_probe_that_is_lost_makes_room_for_another() -> None:
    breaker = Breaker(create_circuit_breaker())
    breaker.cb.half_open()
    lost = breaker.passage()
    assert lost.admit(again=False) is None
    assert waits(breaker) == 1.0
    del lost  # torn apart before it could say that it ended
    assert waits(breaker) is None


def test_the_probes_of_a_parent_are_not_the_childs() -> None:
    breaker = Breaker(create_circuit_breaker())
    breaker.cb.half_open()
    of_the_parent = breaker.passage()
    assert of_the_parent.admit(again=False) is None
    breaker.after_fork()
    assert waits(breaker) is None


def rated(clock: Clock, **rule: Any) -> Breaker:
    return Breaker(create_circuit_breaker(fail_max=1000), failure_rate=FailureRate(**rule), clock=clock)


def end_calls(breaker: Breaker, outages: int, successes: int = 0) -> str:
    for outage in [True] * outages + [False] * successes:
        gate = breaker.passage()
        assert gate.admit(again=False) is None
        gate.leave(outage, ServerError(503) if outage else None)
    return str(breaker.cb.current_state)


@pytest.mark.parametrize(("pause", "state"), [(59.9, "open"), (60.0, "closed"), (3600.0, "closed")])
def test_a_failure_rate_forgets_what_is_older_than_its_window(pause: float, state: str) -> None:
    clock = Clock()
    breaker = rated(clock, rate=0.5, minimum_calls=10, seconds=60.0)
    assert end_calls(breaker, 9) == "closed"
    clock.now += pause
    assert end_calls(breaker, 1) == state


def test_a_window_forgets_a_tenth_at_a_time() -> None:
    clock = Clock()
    breaker = rated(clock, rate=0.5, minimum_calls=10, seconds=60.0)
    for _ in range(9):
        end_calls(breaker, 1)
        clock.now += 6.0
    clock.now += 6.0  # the first is now a whole window old, the others are not
    assert end_calls(breaker, 1) == "closed"
    assert end_calls(breaker, 1) == "open"


def test_successes_count_against_a_failure_rate() -> None:
    assert end_calls(rated(Clock(), rate=0.5, minimum_calls=4), 2, 1) == "closed"
    assert end_calls(rated(Clock(), rate=0.5, minimum_calls=4), 2, 2) == "open"
    assert end_calls(rated(Clock(), rate=0.5, minimum_calls=5), 2, 3) == "closed"


def test_a_window_takes_no_more_memory_however_many_calls_there_are() -> None:
    clock = Clock()
    breaker = rated(clock, rate=1.0, minimum_calls=10**9, seconds=60.0)
    for _ in range(1000):
        end_calls(breaker, 0, 1)
        clock.now += 0.5
    assert breaker._window is not None
    assert len(breaker._window._buckets) <= 10


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
