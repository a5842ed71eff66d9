"""When a task runs again, under which key, and with what it ends: through celery's own tracer, without a broker."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from molam_sdk import (
    CircuitOpenError,
    ClientConfig,
    ConfigurationError,
    DeclinedError,
    MolamClient,
    MolamError,
    NetworkError,
    RateLimitError,
    RequestValidationError,
    ServerError,
)
from molam_sdk.exceptions import SentRequest
from molam_sdk.testing import Failure, NoReply, ScriptedTransport, reply

celery = pytest.importorskip("celery", reason="the extra celery is not installed")

from celery.app.trace import build_tracer  # noqa: E402
from celery.backends.base import Backend  # noqa: E402
from celery.exceptions import Ignore, Reject, Retry, SoftTimeLimitExceeded  # noqa: E402

from molam_sdk.contrib.celery import HEADER, MolamTask, idempotency_key_of  # noqa: E402

ORDER = {"amount": 10, "currency": "USD"}
MOLAMS = {"X-Molam-Request-Id": "req_1"}
INTENT = reply(201, {"id": "pi_1", "status": "succeeded", "amount": 10, "currency": "USD"})
DECLINED = reply(402, {"error": {"code": "card_declined", "message": "No."}}, MOLAMS)
LOST = NoReply(Failure.TIMEOUT, "no answer")
REFUSED = NoReply(Failure.CONNECT, "refused")
BUSY = reply(503, None)


def no(status: int, retry_after: str | None = None) -> Any:
    """A no of Molam's."""
    fields = MOLAMS if retry_after is None else MOLAMS | {"Retry-After": retry_after}
    return reply(status, {"error": {"code": "some_code", "message": "m"}}, fields)


ID = "0d1f"


def create(task: Any, client: MolamClient) -> Any:
    return client.create_payment_intent(ORDER, idempotency_key=task.idempotency_key())


class Shop:
    """A task, its client and the script that answers it."""

    def __init__(self, *script: Any, body: Callable[[Any, MolamClient], Any] | None = None, **options: Any) -> None:
        self.transport = ScriptedTransport(*script)
        config = ClientConfig(api_key="sk_test_1", base_url="https://api.molam.test", max_retries=0)
        self.client = MolamClient(config, transport=self.transport)
        self.app = celery.Celery("shop", set_as_current=False)
        deed = body or create

        @self.app.task(base=MolamTask, bind=True, shared=False, **{"molam_client": lambda: self.client, **options})
        def pay(task: Any) -> Any:
            answer = deed(task, self.client)
            return getattr(answer, "id", answer)

        self.task: Any = pay

    def run(self, **request: Any) -> Any:
        """One delivery: what the task returned, or the exception that celery was given."""
        known = {"id": ID, "retries": 0, "is_eager": True, "delivery_info": {}, **request}
        traced = build_tracer(self.task.name, self.task, eager=True, app=self.app)(ID, (), {}, known)
        return traced.retval if traced.info is None else traced.info.retval

    def again(self, retry: Retry) -> Any:
        """The next delivery, as the retry made it."""
        return self.run(retries=retry.sig.options["retries"], headers=retry.sig.options["headers"])

    def keys(self) -> list[str | None]:
        return [request.headers.get("Idempotency-Key") for request in self.transport.requests]


@pytest.fixture(autouse=True)
def _no_long_resolve(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MolamTask, "resolve_seconds", 5.0)


def test_the_key_is_that_of_the_task_and_a_purpose_gives_another() -> None:
    shop = Shop(INTENT)
    assert shop.run() == "pi_1"
    assert shop.keys() == [f"celery/{ID}"]
    assert idempotency_key_of(ID, "refund") == f"celery/{ID}/refund"


@pytest.mark.parametrize(
    ("task_id", "purpose"),
    [("a" * 300, ""), ("é", ""), ("a/b", ""), ("a", "b/c"), ("a b", ""), (" ", "x"), ("a\n", "")],
)
def test_a_key_is_always_one_that_molam_takes(task_id: str, purpose: str) -> None:
    key = idempotency_key_of(task_id, purpose)
    assert key.startswith("celery/sha256:")
    assert len(key) <= 255
    assert key.isascii()
    assert key != idempotency_key_of(task_id, purpose + "x")


def test_a_task_that_is_called_directly_has_no_key() -> None:
    with pytest.raises(ConfigurationError, match="called directly"):
        Shop(INTENT).task()


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (LOST, "unknown"), (BUSY, "unknown"), (REFUSED, "not_sent"), (reply(200, b"{", MOLAMS), "accepted"),
        (reply(200, b"<html>"), "unknown"),
        (no(429, "7"), "rejected"), (no(425, "7"), "rejected"),
        (reply(409, {"error": "idempotency_in_progress"}), "unknown"),
    ],
)  # fmt: skip
def test_what_is_safe_runs_again_under_the_same_key_and_body(answer: Any, outcome: str) -> None:
    shop = Shop(answer, INTENT)
    retry = shop.run()
    assert isinstance(retry, Retry)
    assert (retry.exc.outcome, retry.sig.options["task_id"]) == (outcome, ID)
    assert shop.again(retry) == "pi_1"
    first, second = shop.transport.requests
    assert (first.body, first.headers["Idempotency-Key"]) == (second.body, second.headers["Idempotency-Key"])


@pytest.mark.parametrize("answer", [DECLINED, no(400), no(401), no(404), no(429)])
def test_a_definite_no_is_the_end(answer: Any) -> None:
    error = Shop(answer).run()
    assert isinstance(error, MolamError)
    assert (error.outcome, error.idempotency_key) == ("rejected", f"celery/{ID}")


def test_arguments_that_are_wrong_are_the_end() -> None:
    error = Shop(body=lambda task, client: client.retrieve_payment_intent("")).run()
    assert isinstance(error, RequestValidationError)
    assert error.outcome == "not_sent"


def test_a_wait_obeys_retry_after_and_lies_above_it() -> None:
    waits = {Shop(no(429, "7")).run().when for _ in range(20)}
    assert all(7.5 <= wait <= 8 for wait in waits)
    assert len(waits) > 1


@pytest.mark.parametrize(("retries", "least", "most"), [(0, 0.5, 1), (3, 4, 8), (9, 256, 512)])
def test_waits_grow_with_jitter_up_to_a_bound(retries: int, least: float, most: float) -> None:
    for _ in range(20):
        assert least <= Shop(LOST).run(retries=retries).when <= most
    assert Shop(LOST, retry_backoff_max=2, max_retries=None).run(retries=900).when <= 2


def test_a_retry_after_beyond_the_bound_is_the_end() -> None:
    assert isinstance(Shop(no(429, "1801")).run(), RateLimitError)


def test_a_call_under_another_key_is_never_made_again_but_resolved() -> None:
    shop = Shop(LOST, INTENT, body=lambda task, client: client.create_payment_intent(ORDER))
    error = shop.run()
    assert (type(error).__name__, error.outcome) == ("MolamTimeoutError", "accepted")
    assert len(set(shop.keys())) == 1
    assert len(shop.keys()) == 2


def test_a_refused_connection_under_another_key_is_the_end() -> None:
    error = Shop(REFUSED, body=lambda task, client: client.create_payment_intent(ORDER)).run()
    assert isinstance(error, NetworkError)
    assert error.outcome == "not_sent"


def test_a_read_runs_again_only_in_a_task_whose_calls_have_keys() -> None:
    def pay_and_look(task: Any, client: MolamClient) -> Any:
        client.create_payment_intent(ORDER, idempotency_key=task.idempotency_key())
        return client.retrieve_payment_intent("pi_1")

    def pay_carelessly(task: Any, client: MolamClient) -> Any:
        client.create_payment_intent(ORDER)
        return client.retrieve_payment_intent("pi_1")

    assert isinstance(Shop(INTENT, LOST, body=pay_and_look).run(), Retry)
    assert isinstance(Shop(INTENT, LOST, body=pay_carelessly).run(), NetworkError)


def test_the_last_run_resolves_and_goes_on_from_there() -> None:
    shop = Shop(LOST, INTENT, INTENT, max_retries=3)
    assert shop.run(retries=3) == "pi_1"
    assert set(shop.keys()) == {f"celery/{ID}"}


def test_the_last_run_raises_the_definite_answer() -> None:
    error = Shop(LOST, DECLINED, max_retries=0).run()
    assert isinstance(error, DeclinedError)
    assert error.outcome == "rejected"


def test_what_cannot_be_resolved_ends_unknown_with_its_key() -> None:
    error = Shop(LOST, *[BUSY] * 50, max_retries=0).run()
    assert (error.outcome, error.idempotency_key) == ("unknown", f"celery/{ID}")


def test_a_client_that_cannot_resolve_changes_nothing() -> None:
    shop = Shop(LOST, max_retries=0)
    shop.transport.script.append(lambda request: (_ for _ in ()).throw(AssertionError))
    other = MolamClient(ClientConfig(api_key="sk_test_1", base_url="https://api.molam.test"))
    other.close()
    shop.task.molam_client = other
    error = shop.run()
    assert (error.outcome, error.idempotency_key) == ("unknown", f"celery/{ID}")


def test_without_a_client_the_error_is_stored_as_it_is() -> None:
    error = Shop(LOST, max_retries=0, molam_client=None).run()
    assert error.outcome == "unknown"


@pytest.mark.parametrize("source", ["instance", "callable", "app", "static"])
def test_where_the_client_comes_from(source: str) -> None:
    shop = Shop(LOST, INTENT, INTENT, max_retries=0, molam_client=None)
    if source == "app":
        shop.app.molam_client = lambda: shop.client
    else:
        by = {"instance": shop.client, "callable": lambda: shop.client, "static": staticmethod(lambda: shop.client)}
        type(shop.app.tasks[shop.task.name]).molam_client = by[source]
    assert shop.run() == "pi_1"


def test_a_definite_no_after_a_lost_worker_is_asked_about_before_it_is_believed() -> None:
    shop = Shop(no(401), INTENT, INTENT)
    assert shop.run(delivery_info={"redelivered": True}) == "pi_1"
    error = Shop(DECLINED, DECLINED).run(delivery_info={"redelivered": True})
    assert isinstance(error, DeclinedError)
    assert error.outcome == "rejected"


def test_a_refused_connection_after_a_doubt_leaves_it_in_doubt() -> None:
    shop = Shop(LOST, REFUSED, *[REFUSED] * 50)
    retry = shop.again(shop.run())
    assert isinstance(retry, Retry)
    assert retry.exc.outcome == "unknown"


def test_a_refusal_after_a_doubt_leaves_it_in_doubt() -> None:
    """Row 1: 429, 401 and 403 tell of this call, not of the one before under the same key."""
    for refusal in (no(401), no(403), no(429)):
        shop = Shop(LOST, refusal, *[refusal] * 200, max_retries=1)
        error = shop.again(shop.run())
        assert (error.outcome, error.idempotency_key) == ("unknown", f"celery/{ID}")


def test_a_later_run_that_fails_of_something_else_does_not_lose_the_doubt() -> None:
    calls: list[int] = []

    def broken_at_second(task: Any, client: MolamClient) -> Any:
        calls.append(1)
        if len(calls) > 1:
            raise KeyError("bug")
        return client.create_payment_intent(ORDER, idempotency_key=task.idempotency_key())

    shop = Shop(LOST, *[BUSY] * 50, body=broken_at_second)
    error = shop.again(shop.run())
    assert (error.outcome, error.idempotency_key) == ("unknown", f"celery/{ID}")
    assert error.causes[0] == "KeyError: 'bug'"  # below it stands whatever the worker was handling meanwhile
    calls.clear()
    settled = Shop(LOST, INTENT, body=broken_at_second)
    assert isinstance(settled.again(settled.run()), KeyError)


def test_a_later_run_that_is_declined_elsewhere_does_not_lose_the_doubt() -> None:
    purposes = ["", "other"]

    def one_call_a_run(task: Any, client: MolamClient) -> Any:
        return client.create_payment_intent(ORDER, idempotency_key=task.idempotency_key(purposes.pop(0)))

    shop = Shop(LOST, DECLINED, *[BUSY] * 50, body=one_call_a_run)
    error = shop.again(shop.run())
    assert (error.outcome, error.idempotency_key) == ("unknown", f"celery/{ID}")
    assert "DeclinedError" in error.causes[0]


def test_a_doubt_that_is_too_large_for_a_message_goes_by_its_key() -> None:
    huge = {**ORDER, "metadata": {"note": "x" * 40_000}}
    shop = Shop(
        LOST, no(401), *[BUSY] * 50,
        body=lambda task, client: client.create_payment_intent(huge, idempotency_key=task.idempotency_key()),
    )  # fmt: skip
    retry = shop.run()
    assert retry.sig.options["headers"][HEADER]["doubts"] == {f"celery/{ID}": ""}
    assert shop.again(retry).exc.outcome == "unknown"


def test_a_key_that_molam_may_have_forgotten_is_not_used_again() -> None:
    old = {HEADER: {"since": time.time() - 23.5 * 3600}}
    shop = Shop(INTENT)
    error = shop.run(delivery_info={"redelivered": True}, headers=old)
    assert (error.outcome, error.idempotency_key) == ("unknown", f"celery/{ID}")
    assert shop.transport.requests == []
    assert shop.run(headers=old) == "pi_1"  # waited a day in the queue, and never ran before


def test_what_is_in_doubt_is_not_put_off_beyond_the_life_of_its_key() -> None:
    old = {HEADER: {"since": time.time() - 22.9 * 3600}}
    slow = reply(503, None, {"Retry-After": "900"})
    assert isinstance(Shop(slow).run(), Retry)
    assert isinstance(Shop(*[slow] * 200).run(headers=old), ServerError)


@pytest.mark.parametrize("predicate", [Ignore(), Reject("x"), Retry("x")])
def test_what_celery_is_told_passes(predicate: Exception) -> None:
    def tell(task: Any, client: MolamClient) -> Any:
        raise predicate

    assert Shop(body=tell).run() is predicate


def test_an_error_of_the_merchants_own_stays_theirs() -> None:
    def react(task: Any, client: MolamClient) -> Any:
        try:
            client.create_payment_intent(ORDER, idempotency_key=task.idempotency_key())
        except MolamError as error:
            raise LookupError("order closed") from error

    assert isinstance(Shop(LOST, body=react).run(), LookupError)


def interrupted(task: Any, client: MolamClient) -> Any:
    """As a soft time limit ends a call: it stays what it is, with the call's error behind it."""
    try:
        return client.create_payment_intent(ORDER, idempotency_key=task.idempotency_key())
    except NetworkError as error:
        raise SoftTimeLimitExceeded from error


def test_a_time_limit_in_a_call_runs_again_under_the_same_key() -> None:
    retry = Shop(LOST, body=interrupted).run()
    assert isinstance(retry, Retry)
    assert (retry.exc.outcome, retry.exc.idempotency_key) == ("unknown", f"celery/{ID}")


def test_a_time_limit_in_the_last_run_is_resolved() -> None:
    error = Shop(LOST, DECLINED, body=interrupted, max_retries=0).run()
    assert isinstance(error, DeclinedError)


def test_a_time_limit_after_a_doubt_was_settled_is_resolved_too() -> None:
    def two_calls(task: Any, client: MolamClient) -> Any:
        create(task, client)
        try:
            return client.confirm_payment_intent("pi_1", idempotency_key=task.idempotency_key("confirm"))
        except NetworkError as error:
            raise SoftTimeLimitExceeded from error

    shop = Shop(LOST, INTENT, INTENT, LOST, INTENT, INTENT, INTENT, body=two_calls, max_retries=0)
    assert shop.run() == "pi_1"
    assert set(shop.keys()) == {f"celery/{ID}", f"celery/{ID}/confirm"}


def test_a_time_limit_outside_a_call_is_one() -> None:
    def idle(task: Any, client: MolamClient) -> Any:
        raise SoftTimeLimitExceeded

    assert isinstance(Shop(body=idle).run(), SoftTimeLimitExceeded)


def test_resolving_ends_before_the_hard_limit() -> None:
    shop = Shop(LOST, *[BUSY] * 50, max_retries=0)
    shop.run(timelimit=[4, 2])
    assert sum(shop.transport.pauses) <= 1.0


def test_an_open_circuit_runs_again() -> None:
    shop = Shop(NoReply(Failure.CIRCUIT_OPEN, "open", retry_after=30.0))
    retry = shop.run()
    assert isinstance(retry.exc, CircuitOpenError)
    assert retry.when >= 30


def test_a_broker_that_takes_no_retry_leaves_the_message() -> None:
    shop = Shop(LOST, INTENT)
    shop.app.conf.broker_url = "redis://127.0.0.1:1/0"
    shop.app.conf.task_publish_retry = False
    shop.app.conf.broker_transport_options = {"max_retries": 0}
    told = shop.run(is_eager=False)
    assert isinstance(told, Reject)
    assert told.requeue


def test_the_message_says_since_when_its_key_can_have_been_used() -> None:
    shop = Shop(INTENT)
    shop.app.conf.broker_url = "memory://"
    shop.app.conf.task_ignore_result = True
    before = time.time()
    shop.task.apply_async(countdown=60, queue="since", headers={"trace": "1"})
    with shop.app.connection_for_read() as connection:
        message = connection.SimpleQueue("since").get(timeout=1)
    assert before + 60 <= message.headers[HEADER]["since"] <= time.time() + 60
    assert message.headers["trace"] == "1"


@pytest.mark.parametrize("outcome", ["not_sent", "rejected", "unknown", "accepted"])
@pytest.mark.parametrize("body", [None, {"__type__": "decimal", "__value__": "x"}, {"n": float("nan"), "b": b"\xff"}])
def test_an_error_comes_whole_out_of_celerys_own_json(outcome: Any, body: Any) -> None:
    error = DeclinedError(402, "No.", body, "req_1", code="card_declined")
    error.outcome, error.idempotency_key, error.retry_after = outcome, "order-7", 2.0
    error.request = SentRequest("create_refund", "POST", "/v1/connect/refunds", b"{\xff}", "order-7")
    backend = Backend(celery.Celery("shop", set_as_current=False))
    again = backend.exception_to_python(backend.decode(backend.encode(backend.prepare_exception(error))))
    assert type(again) is DeclinedError
    assert (str(again), again.request, repr(again.body)) == (str(error), error.request, repr(error.body))


def test_a_process_that_does_not_know_the_class_finds_the_facts_in_its_args() -> None:
    error = NetworkError("no answer", outcome="unknown")
    error.idempotency_key = "order-7"
    backend = Backend(celery.Celery("shop", set_as_current=False))
    stored = backend.prepare_exception(error) | {"exc_module": "not.imported.here"}
    stranger = backend.exception_to_python(backend.decode(backend.encode(stored)))
    assert not isinstance(stranger, MolamError)
    assert MolamError.from_dict(stranger.args[-1]).to_dict() == error.to_dict()
