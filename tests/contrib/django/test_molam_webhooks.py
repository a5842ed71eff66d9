"""``manage.py molam_webhooks``: the inbox in a Django project's own database."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Iterator

import pytest
from prometheus_client import CollectorRegistry

from molam_sdk import ClientConfig, MolamClient
from molam_sdk.receiver import WebhookReceiver
from molam_sdk.sandbox import Sandbox
from tests.support.webhooks.deliveries import SECRETS, body_of
from tests.support.webhooks.django_project import configure, migrated

configure()

from django.core.management import CommandError, call_command  # noqa: E402  # after the settings

from molam_sdk.contrib.django.store import DjangoStore  # noqa: E402
from molam_sdk.store.inbox import Arrival, Inbox  # noqa: E402
from molam_sdk.webhooks import PaymentEvent  # noqa: E402

seen: list[str] = []
receiver = WebhookReceiver(SECRETS, DjangoStore(), process="later", registry=CollectorRegistry())


@receiver.on("payment.succeeded")
def ship(event: PaymentEvent) -> None:
    seen.append(event.id)


@pytest.fixture(autouse=True)
def inbox() -> Iterator[Inbox]:
    seen.clear()
    with migrated():
        inbox, now = DjangoStore().inbox, time.time()
        for name in ("evt_1", "evt_2"):
            inbox.store(Arrival(name, "payment.succeeded", body_of(id=name), now), now)
        event = inbox.take("t", now, 60)
        assert event is not None
        inbox.bury(event, "t", now, error="ValueError: no order", finished=())
        yield inbox


def molam_webhooks(*arguments: str) -> str:
    said = io.StringIO()
    call_command("molam_webhooks", *arguments, stdout=said)
    return said.getvalue()


def test_events_are_listed_shown_exported_retried_and_resolved(inbox: Inbox) -> None:
    [dead] = [event.event_id for event in inbox.list("dead")]
    [waiting] = [event.event_id for event in inbox.list("received")]
    assert "ValueError: no order" in molam_webhooks("list", "--failed")
    assert waiting in molam_webhooks("list", "--state", "received")
    assert "ValueError: no order" in molam_webhooks("show", dead)
    exported = [json.loads(line) for line in molam_webhooks("export").splitlines()]
    assert {event["event_id"] for event in exported} == {"evt_1", "evt_2"}
    assert molam_webhooks("retry", dead) == "1 events are due now\n"
    assert molam_webhooks("resolve", waiting, "--note", "shipped") == "1 events resolved\n"
    assert inbox.show(waiting).note == "shipped"


def test_a_worker_runs_what_is_due(inbox: Inbox) -> None:
    molam_webhooks("retry", "--failed")
    assert molam_webhooks("work", "--once", "--receiver", f"{__name__}.receiver") == "2 events run\n"
    assert sorted(seen) == ["evt_1", "evt_2"]


def test_without_a_name_the_receiver_of_the_projects_urls_works(monkeypatch: pytest.MonkeyPatch) -> None:
    from molam_sdk.contrib.django.management.commands import molam_webhooks as command

    monkeypatch.setattr(command, "known_receivers", [receiver])
    assert molam_webhooks("work", "--once") == "1 events run\n"
    monkeypatch.setattr(command, "known_receivers", [receiver, receiver])
    with pytest.raises(CommandError, match="2 receivers are in the project's URLs: name one"):
        molam_webhooks("work", "--once")


def test_what_was_missed_is_stored_for_a_worker(inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    with Sandbox() as sandbox, MolamClient(ClientConfig(api_key=sandbox.api_key, base_url=sandbox.url)) as client:
        intent = client.create_payment_intent({"amount": 5000, "currency": "XOF", "capture": True})
        client.confirm_payment_intent(intent.id)
        monkeypatch.setenv("MOLAM_API_KEY", sandbox.api_key)
        monkeypatch.setenv("MOLAM_BASE_URL", sandbox.url)
        options = ("--since", "24h", "--receiver", f"{__name__}.receiver")
        with pytest.raises(CommandError, match="1 events may have been handled before this store remembers"):
            molam_webhooks("backfill", *options)
        told = molam_webhooks("backfill", *options, "--include-unremembered")
        assert told == "1 objects looked at: 1 stored\n"
        sandbox.faults.status(status=403)
        with pytest.raises(CommandError, match="A fault was asked for"):
            molam_webhooks("backfill", *options)
    molam_webhooks("work", "--once", "--receiver", f"{__name__}.receiver")
    assert f"backfill:payment.succeeded:{intent.id}" in seen


def test_what_is_old_is_forgotten(inbox: Inbox) -> None:
    assert molam_webhooks("prune", "--days", "1") == "0 events forgotten\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("backfill", "--since", "yesterday"), "is no time"),
        (("show", "evt_none"), "no event evt_none"),
        (("retry",), "name the events, or say --failed"),
        (("resolve", "evt_1", "--note", " "), "note is empty"),
        (("work", "--receiver", "no.such.thing"), "names no receiver"),
        (("work", "--receiver", "json.dumps"), "no WebhookReceiver"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(arguments: tuple[str, ...], said: str) -> None:
    with pytest.raises(CommandError, match=said):
        molam_webhooks(*arguments)
