"""A celery task that pays, run by celery's own tracer, without a broker."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from molam_sdk import ClientConfig, MolamClient
from molam_sdk.testing import Failure, NoReply, ScriptedTransport, reply

celery = pytest.importorskip("celery", reason="the extra celery is not installed")

from celery.app.trace import build_tracer  # noqa: E402
from celery.exceptions import Retry  # noqa: E402

from molam_sdk.contrib.celery import MolamTask  # noqa: E402

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

        own = {"molam_client": lambda: self.client, "resolve_seconds": 5.0, **options}

        @self.app.task(base=MolamTask, bind=True, shared=False, **own)
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
