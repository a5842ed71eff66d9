"""What stands in celery's messages and results: since when a key is used, and errors, whole."""

from __future__ import annotations

import time
from typing import Any

import pytest

from molam_sdk import DeclinedError, MolamError, NetworkError
from molam_sdk.exceptions import SentRequest

celery = pytest.importorskip("celery", reason="the extra celery is not installed")

from celery.backends.base import Backend  # noqa: E402
from celery.exceptions import Reject  # noqa: E402

from molam_sdk.contrib.celery import HEADER  # noqa: E402
from tests.support.celery_shop import INTENT, LOST, Shop  # noqa: E402


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
