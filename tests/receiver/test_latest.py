"""Handlers that want an object's present state: asked of a sandbox, by blocking and by awaited clients."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from molam_sdk import ClientConfig, MolamAsyncClient, MolamSyncClient
from molam_sdk.receiver import WebhookAnswer, WebhookReceiver
from molam_sdk.sandbox import Sandbox
from molam_sdk.store import MemoryStore
from molam_sdk.testing import ScriptedTransport, reply
from molam_sdk.webhooks import PaymentEvent, WebhookEvent
from tests.support.webhooks.deliveries import NOW, PAYMENT, SECRETS, body_of, delivery_of
from tests.support.webhooks.shop import told


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def payment(sandbox: Sandbox) -> str:
    """One that is done by now, whatever the event says."""
    with MolamSyncClient(config_of(sandbox)) as client:
        intent = client.create_payment_intent({"amount": 5000, "currency": "XOF", "capture": True})
        return client.confirm_payment_intent(intent.id).id


def config_of(sandbox: Sandbox) -> ClientConfig:
    return ClientConfig(api_key=sandbox.api_key, base_url=sandbox.url)


def receiver_of(client: Any) -> WebhookReceiver:
    return WebhookReceiver(SECRETS, MemoryStore(), client=client, registry=CollectorRegistry(), clock=lambda: NOW)


def sent(payment: object, event_type: str = "payment.created", event_id: str = "evt_1") -> Any:
    return delivery_of(body_of(event_type, {**PAYMENT, "id": payment, "status": "processing"}, id=event_id))


def register(receiver: WebhookReceiver, seen: list[str]) -> None:
    @receiver.on("payment.*", latest=True)
    def plain(event: PaymentEvent) -> None:
        seen.append(f"{event.data.status}, sent as {event['data']['status']}")

    @receiver.on("payment.*", latest=True)
    async def awaited(event: PaymentEvent) -> None:
        seen.append(event.data.status)

    @receiver.on("payment.*")
    def as_it_was(event: PaymentEvent) -> None:
        seen.append(event.data.status)


SEEN = ["succeeded, sent as processing", "processing", "succeeded"]


def test_a_blocking_client_is_asked(sandbox: Sandbox, payment: str) -> None:
    seen: list[str] = []
    with MolamSyncClient(config_of(sandbox)) as client:
        receiver = receiver_of(client)
        register(receiver, seen)
        assert told(receiver.receive(*sent(payment))) == (200, "handled")
        assert told(asyncio.run(receiver.receive_async(*sent(payment, event_id="evt_2")))) == (200, "handled")
    assert seen == SEEN * 2


async def test_an_awaited_client_is_asked_on_its_loop(sandbox: Sandbox, payment: str) -> None:
    seen: list[str] = []
    async with MolamAsyncClient(config_of(sandbox)) as client:
        receiver = receiver_of(client)
        register(receiver, seen)
        for event_id in ("evt_1", "evt_2"):
            assert told(await receiver.receive_async(*sent(payment, event_id=event_id))) == (200, "handled")
    assert seen == SEEN * 2


def test_one_awaited_client_serves_all_deliveries_that_block(sandbox: Sandbox, payment: str) -> None:
    """A client belongs to one event loop: under WSGI all coroutines of a process run on one."""
    client = MolamAsyncClient(config_of(sandbox))
    receiver, seen = receiver_of(client), []
    register(receiver, seen)

    @receiver.on("payment.*")
    async def asks_by_itself(event: PaymentEvent) -> None:
        seen.append((await client.retrieve_payment_intent(event.data.id)).status)

    @receiver.on("payout.paid")
    async def closes(event: WebhookEvent) -> None:
        await client.close()

    answers: list[WebhookAnswer] = [receiver.receive(*sent(payment, event_id=f"evt_{n}")) for n in range(3)]
    answers.append(receiver.receive(*delivery_of(body_of("payout.paid", id="evt_end"))))
    assert [told(answer) for answer in answers] == [(200, "handled")] * 4
    assert seen == [*SEEN, "succeeded"] * 3


def test_the_object_is_asked_for_once_and_in_a_part_of_the_lease() -> None:
    script = ScriptedTransport(reply(200, PAYMENT))
    receiver, seen = receiver_of(MolamSyncClient(ClientConfig(api_key="sk_live_1"), transport=script)), []
    register(receiver, seen)
    assert told(receiver.receive(*sent("pi_1"))) == (200, "handled")
    (request,) = script.requests
    assert request.deadline - 1000.0 == pytest.approx(10)


@pytest.mark.parametrize("answer", [reply(404, {"error": {"code": "not_found", "message": "no"}})])
def test_an_object_that_cannot_be_had_is_a_failure_and_runs_nothing(answer: Any) -> None:
    script = ScriptedTransport(answer)
    receiver, seen = receiver_of(MolamSyncClient(ClientConfig(api_key="sk_live_1"), transport=script)), []
    register(receiver, seen)
    assert told(receiver.receive(*sent("pi_1"))) == (500, "failed")
    assert told(receiver.receive(*sent(None))) == (500, "failed")
    assert seen == []


def test_refunds_payouts_and_new_types_are_asked_for_by_their_kind() -> None:
    refund = {"id": "re_1", "payment_id": "pi_1", "amount": 1, "currency": "USD", "status": "failed"}
    payout = {"id": "po_1", "amount": 1, "currency": "USD", "status": "failed"}
    script = ScriptedTransport(reply(200, refund), reply(200, payout), reply(200, PAYMENT))
    receiver, seen = receiver_of(MolamSyncClient(ClientConfig(api_key="sk_live_1"), transport=script)), []

    @receiver.on("refund.*", "payout.*", "payment.*", latest=True)
    def note(event: WebhookEvent) -> None:
        seen.append(event.data.status)

    for number, (event_type, data) in enumerate(
        [("payment.refund.created", {"id": "re_1"}), ("payout.created", {"id": "po_1"}), ("payment.new", PAYMENT)]
    ):
        assert told(receiver.receive(*delivery_of(body_of(event_type, data, id=f"evt_{number}")))) == (200, "handled")
    assert seen == ["failed", "failed", "succeeded"]
    assert [request.url.rpartition("/v1/connect/")[2] for request in script.requests] == [
        "refunds/re_1",
        "payouts/po_1",
        "payment_intents/pi_1",
    ]


@pytest.mark.parametrize("types", [("*",), ("dispute.*",), ("*.failed",), ("payment.*", "dispute.created")])
def test_types_whose_objects_cannot_be_asked_for_are_refused(types: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="latest=True wants types of payments, refunds or payouts"):
        receiver_of(SimpleNamespace(retrieve_refund=None)).on(*types, latest=True)


def test_without_a_client_there_is_no_latest_state() -> None:
    with pytest.raises(ValueError, match=r"latest=True asks Molam: WebhookReceiver\(…, client="):
        receiver_of(None).on("payment.*", latest=True)
