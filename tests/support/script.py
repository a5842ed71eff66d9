"""The lines that scripts are made of, and clients that play them."""

from __future__ import annotations

from typing import Any

import pytest

from molam_sdk import ClientConfig, MolamClient, MolamError
from molam_sdk._core.wire import Failure, NoReply
from molam_sdk.testing import ScriptedTransport, reply

INTENT = {"id": "pi_1", "status": "succeeded", "amount": 100.5, "currency": "USD"}
OK = reply(200, INTENT, {"X-Molam-Request-Id": "req_ok"})
TIMEOUT = NoReply(Failure.TIMEOUT, "no answer")
REFUSED = NoReply(Failure.CONNECT, "refused")
RESET = NoReply(Failure.RESET, "reset")


def error_reply(status: int, code: str = "some_code", **headers: str) -> Any:
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    return reply(status, {"error": {"code": code, "message": "m"}}, fields)


def client_of(transport: ScriptedTransport, **settings: Any) -> MolamClient:
    config = ClientConfig(**({"api_key": "sk_live_1", "retry_backoff_factor": 0} | settings))
    return MolamClient(config, transport=transport)


def pay(transport: ScriptedTransport, **settings: Any) -> Any:
    return client_of(transport, **settings).create_payment_intent({"amount": "100.50"}, idempotency_key="order-7")


def failed(transport: ScriptedTransport, **settings: Any) -> MolamError:
    with pytest.raises(MolamError) as caught:
        pay(transport, **settings)
    return caught.value
