"""One signed POST, and what came back."""

from __future__ import annotations

import hashlib
import hmac

from molam_sdk.sandbox import Sandbox
from tests.support.sandbox_api import ENDPOINTS, Api
from tests.support.sandbox_receiver import Arrival, Receiver


def expected_signature(arrival: Arrival, secret: str) -> str:
    t = arrival.signature.partition("t=")[2].partition(",")[0]
    return hmac.new(secret.encode(), t.encode() + b"." + arrival.payload, hashlib.sha256).hexdigest()


def test_every_endpoint_gets_its_own_signed_copy(api: Api, sandbox: Sandbox, receiver: Receiver) -> None:
    endpoints = [api.subscribe(f"{receiver.url}{n}") for n in (1, 2)]
    api.intent()
    sandbox.webhooks.wait()
    by_path = {arrival.path: arrival for arrival in receiver.arrivals}
    for n, endpoint in enumerate(endpoints, start=1):
        arrival = by_path[f"/hook{n}"]
        assert expected_signature(arrival, endpoint["secret"]) in arrival.signature
    assert len({arrival.delivery_id for arrival in receiver.arrivals}) == 2
    assert len({arrival.event["id"] for arrival in receiver.arrivals}) == 1


def test_a_redirect_is_not_followed(api: Api, sandbox: Sandbox, receiver: Receiver) -> None:
    api.subscribe(receiver.url)
    receiver.statuses = [307]
    api.intent()
    sandbox.webhooks.wait()
    assert [arrival.path for arrival in receiver.arrivals] == ["/hook"]
    assert [delivery.status for delivery in sandbox.webhooks.dead_letters()] == ["failed"]


def test_a_rotated_secret_signs_beside_the_old_one_for_a_day(api: Api, sandbox: Sandbox, receiver: Receiver) -> None:
    old = api.subscribe(receiver.url)
    new = api.made(f"{ENDPOINTS}/{old['id']}/rotate")
    assert (old["kid"], new["kid"]) == ("v1", "v2")
    api.intent()
    sandbox.webhooks.wait()
    both = receiver.arrivals[0]
    assert f"v1={expected_signature(both, old['secret'])},kid=v1" in both.signature
    assert f"v1={expected_signature(both, new['secret'])},kid=v2" in both.signature
    sandbox.clock.advance(hours=25)
    api.intent()
    sandbox.webhooks.wait()
    assert "kid=v1" not in receiver.arrivals[1].signature
    assert expected_signature(receiver.arrivals[1], new["secret"]) in receiver.arrivals[1].signature


def test_no_answer_at_all_is_retried(api: Api, sandbox: Sandbox, receiver: Receiver) -> None:
    api.subscribe(receiver.url)
    receiver.close()
    api.intent()
    sandbox.webhooks.wait()
    (delivery,) = sandbox.webhooks.deliveries()
    assert delivery.status == "pending"
    assert delivery.attempts[0].status is None
    assert "Connect" in str(delivery.attempts[0].error)
