"""How a journal stands, as metrics show it."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from molam_sdk import ClientConfig, MolamAsyncClient, MolamError, MolamSyncClient
from molam_sdk.journal import MemoryJournal
from molam_sdk.metrics import watch_journal
from molam_sdk.testing import ScriptedTransport
from tests.support.journals import OPEN, asked
from tests.support.script import OK, TIMEOUT

OLDEST = "molam_sdk_journal_oldest_doubt_seconds"
PAYMENT = {"amount": 100.5, "currency": "USD"}


def entries(registry: CollectorRegistry) -> dict[str, float | None]:
    states = ("running", "in_doubt", "review")
    return {state: registry.get_sample_value("molam_sdk_journal_entries", {"state": state}) for state in states}


def test_a_client_with_a_journal_shows_from_the_start_that_nothing_is_in_doubt(tmp_path: Path) -> None:
    registry = CollectorRegistry()
    config = ClientConfig(api_key="sk_test_1", base_url="http://127.0.0.1:9", journal=str(tmp_path / "journal.db"))
    with MolamSyncClient(config, registry=registry):
        assert entries(registry) == {"running": 0, "in_doubt": 0, "review": 0}
        assert registry.get_sample_value(OLDEST) == 0
        assert registry.get_sample_value("molam_sdk_journal_readable") == 1


def test_a_call_in_doubt_is_shown_with_its_age(tmp_path: Path) -> None:
    registry, journal = CollectorRegistry(), str(tmp_path / "journal.db")
    transport = ScriptedTransport(TIMEOUT, OK)
    config = ClientConfig(api_key="sk_test_1", base_url="http://127.0.0.1:9", journal=journal, max_retries=0)
    with MolamSyncClient(config, transport=transport, registry=registry) as client:
        with pytest.raises(MolamError):
            client.create_payment_intent(PAYMENT, idempotency_key="order-7")
        client.create_payment_intent(PAYMENT, idempotency_key="order-8")
        assert entries(registry) == {"running": 0, "in_doubt": 1, "review": 0}
        assert (registry.get_sample_value(OLDEST) or 0) > 0


async def test_the_asyncio_client_shows_its_journal_too(tmp_path: Path) -> None:
    registry = CollectorRegistry()
    config = ClientConfig(api_key="sk_test_1", base_url="http://127.0.0.1:9", journal=str(tmp_path / "journal.db"))
    async with MolamAsyncClient(config, registry=registry):
        assert entries(registry) == {"running": 0, "in_doubt": 0, "review": 0}


def test_clients_of_one_journal_show_it_once() -> None:
    registry, journal = CollectorRegistry(), MemoryJournal()
    journal.begin(asked(), 60)
    for _ in range(2):
        watch_journal(journal, registry)
    assert entries(registry) == {"running": 1, "in_doubt": 0, "review": 0}


def test_what_a_killed_worker_left_is_in_doubt_once_its_lease_is_over() -> None:
    registry, now = CollectorRegistry(), [time.time()]
    journal = MemoryJournal(clock=lambda: now[0])
    journal.begin(asked(), 31)
    now[0] += 32
    watch_journal(journal, registry)
    assert entries(registry)["in_doubt"] == 1
    assert registry.get_sample_value(OLDEST) == pytest.approx(32, abs=0.01)


def test_a_journal_that_cannot_be_read_says_so() -> None:
    class Broken:
        def figures(self) -> None:
            raise OSError("gone")

    registry, broken = CollectorRegistry(), Broken()
    watch_journal(broken, registry)
    assert registry.get_sample_value("molam_sdk_journal_readable") == 0


def test_a_journal_is_asked_no_more_once_its_client_is_closed_or_nobody_holds_it() -> None:
    registry, ended, journal, other = CollectorRegistry(), [False], MemoryJournal(), MemoryJournal()
    for each in (journal, other):
        each.begin(asked(), 60)
        each.end("order-7", each.find("order-7").token, OPEN)  # type: ignore[union-attr]  # it was begun
    watch_journal(journal, registry, ended=lambda: ended[0])
    watch_journal(other, registry)
    del other, each
    assert entries(registry)["in_doubt"] == 1
    ended[0] = True
    assert entries(registry)["in_doubt"] is None


def test_a_store_of_the_merchants_own_without_figures_is_not_shown() -> None:
    registry = CollectorRegistry()
    watch_journal(object(), registry)
    assert entries(registry)["in_doubt"] is None


def test_what_waits_in_the_outbox_is_shown(tmp_path: Path) -> None:
    registry, journal = CollectorRegistry(), str(tmp_path / "journal.db")
    config = ClientConfig(api_key="sk_test_1", base_url="http://127.0.0.1:9", journal=journal)
    with MolamSyncClient(config, registry=CollectorRegistry()) as shop:
        shop.journal.enqueue(shop.create_payment_intent, PAYMENT, idempotency_key="order-7")
    with MolamSyncClient(config, registry=registry):
        found = {
            state: registry.get_sample_value("molam_sdk_outbox_operations", {"state": state})
            for state in ("waiting", "failed", "untold")
        }
        assert found == {"waiting": 1, "failed": 0, "untold": 0}
        assert (registry.get_sample_value("molam_sdk_outbox_oldest_seconds") or 0) > 0
