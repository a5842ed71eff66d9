"""When a task runs again, under which key, and with what it ends: through celery's own tracer, without a broker."""

from __future__ import annotations

from typing import Any

import pytest

from molam_sdk import (
    CircuitOpenError,
    ConfigurationError,
    MolamClient,
    MolamError,
    NetworkError,
    RateLimitError,
    RequestValidationError,
)
from molam_sdk.testing import Failure, NoReply, reply

celery = pytest.importorskip("celery", reason="the extra celery is not installed")

from celery.exceptions import Ignore, Reject, Retry  # noqa: E402

from molam_sdk.contrib.celery import idempotency_key_of  # noqa: E402
from tests.support.celery_shop import BUSY, DECLINED, ID, INTENT, LOST, MOLAMS, ORDER, REFUSED, Shop, no  # noqa: E402


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


def test_an_open_circuit_runs_again() -> None:
    shop = Shop(NoReply(Failure.CIRCUIT_OPEN, "open", retry_after=30.0))
    retry = shop.run()
    assert isinstance(retry.exc, CircuitOpenError)
    assert retry.when >= 30
