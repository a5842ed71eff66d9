"""Whose fault a refused signature is: what may be ours is sent again, what a stranger made up pages nobody."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from molam_sdk.receiver import WebhookAnswer, WebhookReceiver
from molam_sdk.store import MemoryStore
from molam_sdk.webhooks import EnvironmentSecrets, RotatingSecrets, sign
from tests.support.webhooks.deliveries import NOW, SECRET, body_of
from tests.support.webhooks.shop import told

Delivery = tuple[dict[str, str], bytes]


class Door:
    """A receiver over a source of secrets, by either way in."""

    def __init__(self, source: Any, awaited: bool) -> None:
        self.registry = CollectorRegistry()
        self.receiver = WebhookReceiver(source, MemoryStore(), registry=self.registry, clock=lambda: NOW)
        self.receiver.on("payment.succeeded")(lambda event: None)
        self._awaited = awaited

    def take(self, delivery: Delivery) -> WebhookAnswer:
        if self._awaited:
            return asyncio.run(self.receiver.receive_async(*delivery))
        return self.receiver.receive(*delivery)

    def count(self, result: str) -> float | None:
        labels = {"type": "unverified", "result": result}
        return self.registry.get_sample_value("molam_sdk_webhook_events_total", labels)


@pytest.fixture(params=[False, True], ids=["blocking", "awaited"])
def door(request: pytest.FixtureRequest) -> Callable[[Any], Door]:
    return lambda source: Door(source, request.param)


def signed(kid: str = "v1", secret: str = SECRET, event_id: str = "evt_1") -> Delivery:
    body = body_of(id=event_id)
    return {"Molam-Signature": sign(body, secret, kid, now=NOW), "Content-Length": str(len(body))}, body


def fails(kid: str) -> str:
    raise OSError("the vault is down")


def no_such_row(kid: str) -> str:
    """What a database says of a kid that it does not have, in the words of its own error."""
    if kid != "v1":
        raise RuntimeError("no such row")
    return SECRET


OURS = {
    "nothing is known at all": ({}, "v1", "no_secret"),
    "an empty secret": ("", "v1", "no_secret"),
    "a mapping of nothing": ({"v1": "", "2": None}, "v1", "no_secret"),
    "a mapping that cannot be read": ({"2": 7}, "v1", "no_secret"),
    "a callable that knows nothing": (lambda kid: None, "2", "no_secret"),
    "an environment without one": (
        EnvironmentSecrets(environ={"PATH": "/", "MOLAM_WEBHOOK_SECRET_2": " "}),
        "2",
        "no_secret",
    ),
    "a callable that fails": (fails, "v1", "lookup_failed"),
    "a callable that fails for another kid": (fails, "2", "lookup_failed"),
    "a cold cache before one that fails": (RotatingSecrets(fails), "v1", "lookup_failed"),
}


@pytest.mark.parametrize("case", OURS)
def test_what_may_be_our_fault_is_sent_again_and_is_an_error(
    case: str, door: Callable[[Any], Door], caplog: pytest.LogCaptureFixture
) -> None:
    source, kid, result = OURS[case]
    shop = door(source)
    assert told(answer := shop.take(signed(kid))) == (503, result)
    assert answer.headers["Retry-After"] == "60"
    assert shop.count(result) == 1
    (line,) = [record for record in caplog.records if record.name == "molam_sdk.webhooks"]
    assert line.levelno == logging.ERROR
    assert line.getMessage().startswith(f"webhook {result} result={result} reason=")
    if source is fails:
        assert line.exc_info is not None
        assert "the vault is down" in str(line.exc_info[1])
        assert "vault" not in json.loads(answer.body)["error"]


STRANGERS = {
    "one secret": SECRET,
    "a mapping": {"v1": SECRET},
    "a mapping of another kid": {"7": [SECRET]},
    "an environment": EnvironmentSecrets(environ={"MOLAM_WEBHOOK_SECRET_7": SECRET}),
    "a callable": {"v1": SECRET}.get,
    "a callable that raises what a mapping raises": {"v1": SECRET}.__getitem__,
    "a callable that raises what a database raises": no_such_row,
    "a cache": RotatingSecrets({"v1": SECRET}.get),
}


@pytest.mark.parametrize("case", [case for case in STRANGERS if case != "one secret"])
def test_a_made_up_kid_pages_nobody_and_is_sent_again_since_it_may_be_a_rotation(
    case: str, door: Callable[[Any], Door], caplog: pytest.LogCaptureFixture
) -> None:
    shop = door(STRANGERS[case])
    assert told(shop.take(signed("2", "whsec_another"))) == (503, "unknown_kid")
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert shop.count("no_secret") == shop.count("lookup_failed") == 0


@pytest.mark.parametrize("case", STRANGERS)
def test_a_mismatch_with_a_known_secret_is_given_up(case: str, door: Callable[[Any], Door]) -> None:
    shop = door(STRANGERS[case])
    kid = "7" if case in {"a mapping of another kid", "an environment"} else "v1"
    assert told(shop.take(signed(kid, "whsec_another"))) == (400, "invalid")


def test_a_kid_that_verified_before_and_is_gone_is_our_fault(door: Callable[[Any], Door]) -> None:
    secrets = {"v1": SECRET, "2": "whsec_second"}
    shop = door(secrets)
    assert told(shop.take(signed())) == (200, "handled")
    del secrets["v1"]
    assert told(shop.take(signed(event_id="evt_2"))) == (503, "no_secret")
    assert told(shop.take(signed("3"))) == (503, "unknown_kid")


def test_a_source_that_goes_down_is_an_error_for_the_kid_that_verified_and_none_for_a_strangers(
    door: Callable[[Any], Door],
) -> None:
    source: list[Any] = [{"v1": SECRET}.__getitem__]

    def present(kid: str) -> Any:
        return source[-1](kid)

    shop = door(present)
    assert told(shop.take(signed())) == (200, "handled")
    source.append(fails)
    assert told(shop.take(signed(event_id="evt_2"))) == (503, "lookup_failed")
    assert told(shop.take(signed("made-up"))) == (503, "unknown_kid")


def test_a_forged_request_costs_three_look_ups_at_most_and_none_that_could_hurt(
    door: Callable[[Any], Door],
) -> None:
    asked: list[str] = []

    def source(kid: str) -> None:
        asked.append(kid)

    shop = door(source)
    headers, body = signed()
    for kids in (["a", "b", "c", "d"], ["../../etc/passwd"], ["'; DROP TABLE secrets"]):
        pairs = ",".join(f"v1={'0' * 64},kid={kid}" for kid in kids)
        forged = {**headers, "Molam-Signature": f"t={int(NOW * 1000)},{pairs}"}
        assert told(shop.take((forged, body))) == (400, "invalid")
    assert asked == []
    pairs = ",".join(f"v1={'0' * 64},kid={kid}" for kid in "abcabcabcabcabca")
    shop.take(({**headers, "Molam-Signature": f"t={int(NOW * 1000)},{pairs}"}, body))
    assert asked == ["a", "b", "c"]
