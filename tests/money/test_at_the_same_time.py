"""Two calls at the same time under one key: neither claims what is false of the other."""

from __future__ import annotations

from typing import Any

import pytest

from molam_sdk import ClientConfig, MolamClient, MolamError
from molam_sdk.testing import Failure, NoReply, Request, ScriptedTransport, reply
from tests.support.http_server import INTENT, ORDER

MOLAMS = {"X-Molam-Request-Id": "req_1"}
LOST = NoReply(Failure.TIMEOUT, "no answer")
REFUSED = NoReply(Failure.CONNECT, "refused")
RATE_LIMITED = reply(429, {"error": {"code": "rate_limited", "message": "later"}}, MOLAMS)
REFUSED_KEY = reply(401, {"error": {"code": "unauthorized", "message": "no"}}, MOLAMS)


@pytest.mark.parametrize("refusal", [REFUSED, RATE_LIMITED, REFUSED_KEY], ids=["no connection", "429", "401"])
@pytest.mark.parametrize("first_ends", ["first", "last"])
def test_a_call_that_learns_nothing_does_not_deny_what_another_under_its_key_is_doing(
    refusal: Any, first_ends: str
) -> None:
    """Two workers, one key, at the same time: the money of the one is the money of the other."""
    other: list[MolamError] = []

    def meanwhile(_request: Request) -> Any:
        try:
            client.create_payment_intent(ORDER, idempotency_key="order-7")
        except MolamError as error:
            other.append(error)
        return refusal if first_ends == "last" else LOST

    script = [meanwhile, LOST if first_ends == "last" else refusal, reply(201, INTENT, MOLAMS)]
    client = MolamClient(
        ClientConfig(api_key="sk_test_x", environment="sandbox", max_retries=0), transport=ScriptedTransport(*script)
    )
    with pytest.raises(MolamError) as caught:
        client.create_payment_intent(ORDER, idempotency_key="order-7")
    assert (caught.value.outcome, other[0].outcome) == ("unknown", "unknown")
    assert [doubt.idempotency_key for doubt in client.in_doubt()] == ["order-7"]
    assert client.resolve(caught.value).id == "pi_1"
    assert client.in_doubt() == ()


def test_a_definite_answer_settles_what_another_under_its_key_left() -> None:
    def meanwhile(_request: Request) -> Any:
        with pytest.raises(MolamError):
            client.create_payment_intent(ORDER, idempotency_key="order-7")
        return reply(201, INTENT, MOLAMS)

    client = MolamClient(
        ClientConfig(api_key="sk_test_x", environment="sandbox", max_retries=0),
        transport=ScriptedTransport(meanwhile, LOST),
    )
    assert client.create_payment_intent(ORDER, idempotency_key="order-7").id == "pi_1"
    assert client.in_doubt() == ()
