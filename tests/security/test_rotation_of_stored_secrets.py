"""A webhook secret and the journal's key are replaced while work goes on: no delivery is refused, no call fails."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
from cryptography.fernet import Fernet
from prometheus_client import CollectorRegistry

from molam_sdk import ClientConfig, MolamClient
from molam_sdk.receiver import WebhookReceiver
from molam_sdk.sandbox import Sandbox
from molam_sdk.store.database.sqlite import SqliteDatabase
from molam_sdk.store.entries import JournalEntries
from molam_sdk.webhooks import EnvironmentSecrets
from tests.support.webhooks.posted_shop import PostedReceiver

pytestmark = pytest.mark.slow

ORDER: dict[str, Any] = {"amount": 5, "currency": "USD", "capture": True}


@pytest.fixture
def box() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@contextmanager
def under_load(
    work: Callable[[int], object], failed: list[BaseException], threads: int = 4
) -> Iterator[Callable[[int], None]]:
    """Threads that work again and again; what is given waits until so many more pieces are done."""
    over, done = threading.Event(), threading.Semaphore(0)

    def labour(number: int) -> None:
        while not over.is_set():
            try:
                work(number)
            except BaseException as error:
                failed.append(error)
                over.set()
            done.release()

    def more(pieces: int) -> None:
        for _ in range(pieces):
            assert done.acquire(timeout=30)

    crowd = [threading.Thread(target=labour, args=(number,)) for number in range(threads)]
    with ExitStack() as stack:
        for each in crowd:
            each.start()
            stack.callback(each.join)
        stack.callback(over.set)
        yield more


def test_a_webhook_secret_is_replaced_under_load_and_no_delivery_is_refused(box: Sandbox, tmp_path: Path) -> None:
    file = tmp_path / "secret"
    environ = {"MOLAM_WEBHOOK_SECRET_V1_FILE": str(file)}
    secrets = EnvironmentSecrets(environ=environ)
    receiver = WebhookReceiver(secrets, str(tmp_path / "events.db"), registry=CollectorRegistry())
    handled: list[str] = []
    receiver.on("payment.created")(lambda event: handled.append(event.object_id or ""))
    config = ClientConfig(api_key=box.api_key, base_url=box.url)
    failed: list[BaseException] = []
    with PostedReceiver(receiver) as posted, MolamClient(config) as client:
        endpoint = client.create_webhook_endpoint(
            {"tenant_type": "merchant", "tenant_id": "t", "url": posted.url, "events": ["payment.created"]}
        )
        assert endpoint.secret
        _swap(file, endpoint.secret)
        made: list[str] = []
        with under_load(lambda _: made.append(client.create_payment_intent(ORDER).id), failed) as more:
            more(10)
            head = {"Authorization": f"Bearer {box.api_key}", "Idempotency-Key": "rotate"}
            rotated = requests.post(f"{box.url}/v1/webhooks/endpoints/{endpoint.id}/rotate", headers=head, timeout=30)
            more(10)  # signed by both, known here by the old one
            new = tmp_path / "new"
            _swap(new, rotated.json()["secret"])
            environ[f"MOLAM_WEBHOOK_SECRET_{rotated.json()['kid'].upper()}_FILE"] = str(new)
            more(10)
            del environ["MOLAM_WEBHOOK_SECRET_V1_FILE"]
            more(10)
        box.webhooks.wait()
    assert failed == []
    assert set(posted.statuses) == {200}
    assert sorted(handled) == sorted(made)
    assert receiver.close()
    assert rotated.json()["secret"] != endpoint.secret


def _swap(file: Path, text: str) -> None:
    beside = file.with_suffix(".new")
    beside.write_text(text, encoding="utf-8")
    beside.replace(file)


def test_the_journal_s_key_is_replaced_under_load_and_no_call_fails(box: Sandbox, tmp_path: Path) -> None:
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    keys = [old]
    config = ClientConfig(api_key=box.api_key, base_url=box.url, journal_key=lambda: list(keys))
    journal = JournalEntries(SqliteDatabase(tmp_path / "molam.db"))
    failed: list[BaseException] = []
    counts = dict.fromkeys(range(4), 0)
    with MolamClient(config, journal=journal) as client:

        def pay(number: int) -> None:
            counts[number] += 1
            client.create_payment_intent(ORDER, idempotency_key=f"order-{number}-{counts[number]}")

        with under_load(pay, failed) as more:
            more(10)
            keys[:] = [new, old]
            more(10)
            assert client.journal.rotate_key()[0] > 0
            more(10)
        while client.journal.rotate_key()[1]:
            pass
    assert failed == []
    keys[:] = [new]
    with MolamClient(config, journal=journal) as again:
        entries = list(again.journal.list())
        assert [entry.body for entry in entries if b'"amount":5' not in (entry.body or b"")] == []
        assert len(entries) == sum(counts.values())
        assert again.create_payment_intent(ORDER, idempotency_key="order-0-1").replayed
    journal.close()
