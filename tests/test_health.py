"""Whether a process can take payments: what is looked at, what each finding means, and that no probe hangs."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from molam_sdk import ClientConfig, MolamAsyncClient, MolamClient, MolamError, MolamSyncClient
from molam_sdk.health import Check, Health
from molam_sdk.journal import MemoryJournal
from molam_sdk.receiver import WebhookReceiver
from molam_sdk.store import MemoryStore, SqliteStore
from molam_sdk.testing import ScriptedTransport
from tests.support.keys import token
from tests.support.script import OK, OUTAGE, error_reply

PAYMENT = {"amount": 100.5, "currency": "USD"}


def client_of(*script: Any, journal: Any = None, **settings: Any) -> MolamSyncClient:
    config = ClientConfig(**({"api_key": "sk_live_1", "max_retries": 0} | settings))
    return MolamSyncClient(config, transport=ScriptedTransport(*script), registry=CollectorRegistry(), journal=journal)


def receiver_of(store: Any) -> WebhookReceiver:
    return WebhookReceiver("whsec_1", store, registry=CollectorRegistry())


def statuses(health: Health) -> dict[str, str]:
    return {name: check.status for name, check in health.readiness().checks.items()}


def test_a_process_that_is_well_says_so_in_four_fields(tmp_path: Path) -> None:
    health = Health(client_of(journal=tmp_path / "journal.db"), receiver_of(SqliteStore(tmp_path / "webhooks.db")))
    report = health.readiness()
    shown = json.loads(json.dumps(report.to_dict()))
    assert shown.keys() == {"status", "checks", "timestamp", "duration_ms"}
    assert (shown["status"], report.http_status) == ("ok", 200)
    assert shown["checks"] == {
        "client": {"status": "ok"},
        "api_key": {"status": "ok", "known": True},
        "breaker": {"status": "ok", "name": "molam_api_cb", "state": "closed"},
        "journal": {"status": "ok"},
        "last_success": {"status": "ok", "seconds_ago": None},
        "webhook_store": {"status": "ok"},
    }
    assert "sk_live_1" not in str(shown)


def test_an_open_breaker_degrades_and_takes_nobody_out_of_service() -> None:
    client = client_of(*[error_reply(OUTAGE)] * 5)
    health = Health(client)
    for _ in range(5):
        with pytest.raises(MolamError):
            client.create_payment_intent(PAYMENT)
    report = health.readiness()
    assert (report.status, report.http_status, report.checks["breaker"].facts["state"]) == ("degraded", 200, "open")
    client.cb.close()
    assert health.readiness().status == "ok"


def test_the_breakers_of_clients_that_were_not_given_are_looked_at_too() -> None:
    def for_one_request(name: str, *script: Any) -> None:
        config = ClientConfig(api_key="sk_live_1", max_retries=0)
        client = MolamSyncClient(config, name, 2, transport=ScriptedTransport(*script), registry=CollectorRegistry())
        with client, pytest.raises(MolamError):
            client.create_payment_intent(PAYMENT)

    health = Health(client_of())
    assert "breakers" not in health.readiness().checks
    for_one_request("payouts", error_reply(OUTAGE))
    for_one_request("refunds", error_reply(OUTAGE))
    assert health.readiness().checks["breakers"] == Check("ok", {"closed": 2})
    for_one_request("payouts", error_reply(OUTAGE))
    report = health.readiness()
    assert (report.status, report.http_status) == ("degraded", 200)
    facts = {"open": 1, "closed": 1, "not_closed": ["payouts at https://api.molam.io is open"]}
    assert report.checks["breakers"] == Check("degraded", facts)
    assert json.loads(json.dumps(report.to_dict()))["checks"]["breakers"]["open"] == 1
    assert Health().readiness().checks["breakers"].facts == {**facts, "closed": 2}


def test_a_breaker_of_the_address_that_is_left_is_no_longer_the_clients() -> None:
    client = client_of(*[error_reply(OUTAGE)] * 5)
    health = Health(client)
    for _ in range(5):
        with pytest.raises(MolamError):
            client.create_payment_intent(PAYMENT)
    client.set_region("eu-west")
    found = health.readiness().checks
    assert (found["breaker"].facts["state"], found["breakers"].facts["open"]) == ("closed", 1)


def test_many_open_breakers_are_counted_and_some_are_named() -> None:
    kept = [
        MolamSyncClient(ClientConfig(api_key="sk_live_1"), f"kind {number}", transport=ScriptedTransport())
        for number in range(30)
    ]
    for client in kept:
        client.cb.open()
    facts = Health().readiness().checks["breakers"].facts
    assert (facts["open"], len(facts["not_closed"])) == (30, 20)  # type: ignore[arg-type]  # a list


def test_the_last_success_is_told() -> None:
    client = client_of(OK)
    client.create_payment_intent(PAYMENT)
    ago = Health(client).readiness().checks["last_success"].facts["seconds_ago"]
    assert isinstance(ago, float)
    assert 0 <= ago < 60


def test_a_closed_client_gets_no_traffic() -> None:
    client = client_of()
    health = Health(client)
    client.close()
    assert (health.readiness().http_status, health.liveness().http_status) == (503, 200)


@pytest.mark.parametrize(
    ("api_key", "status"),
    [
        (token(864_000), "ok"),
        (token(-900), "failing"),
        (lambda: "sk_live_1", "ok"),  # asked at first use
        ("sk_live_1", "ok"),
    ],
)
def test_a_key_is_judged_by_its_time(api_key: Any, status: str) -> None:
    assert statuses(Health(client_of(api_key=api_key)))["api_key"] == status


def test_a_client_without_a_key_fails() -> None:
    with pytest.warns(UserWarning, match="No api_key"):
        client = client_of(api_key=None)
    assert statuses(Health(client))["api_key"] == "failing"
    client.headers["Authorization"] = "Bearer mine"
    assert statuses(Health(client))["api_key"] == "ok"


class _Broken(MemoryJournal):
    def figures(self) -> Any:
        raise ConnectionError("postgresql://shop:password@db is away")


@pytest.mark.parametrize(("required", "status"), [(True, "failing"), (False, "degraded")])
def test_a_journal_that_cannot_be_read_counts_by_whether_calls_need_it(required: bool, status: str) -> None:
    health = Health(client_of(journal=_Broken(), journal_required=required))
    report = health.readiness()
    assert report.status == report.checks["journal"].status == status
    assert report.checks["journal"].facts == {"problem": "ConnectionError"}
    assert "password" not in str(report.to_dict())


def test_a_store_of_webhooks_that_fails_takes_the_process_out_of_service() -> None:
    class Away(MemoryStore):
        def renew(self, *_: Any) -> bool:
            raise OSError

    assert statuses(Health(receiver_of(Away()))) == {"webhook_store": "failing"}
    assert statuses(Health(receiver_of(MemoryStore()))) == {"webhook_store": "ok"}


def test_a_database_that_hangs_holds_up_no_probe_and_is_asked_once() -> None:
    released, asked = threading.Event(), [0]

    class Hanging(MemoryJournal):
        def figures(self) -> Any:
            asked[0] += 1
            released.wait(60)
            return super().figures()

    health = Health(client_of(journal=Hanging()))
    try:
        for _ in range(3):
            report = health.readiness()
            assert (report.status, report.checks["journal"].facts) == ("failing", {"problem": "no answer yet"})
            assert report.duration_ms < 30_000
        assert asked == [1]
    finally:
        released.set()


def test_probes_ask_molam_nothing_and_the_database_seldom() -> None:
    class Counting(MemoryJournal):
        asked = 0

        def figures(self) -> Any:
            self.asked += 1
            return super().figures()

    journal = Counting()
    client = client_of(journal=journal)
    health = Health(client)
    for _ in range(10):
        health.readiness()
        health.liveness()
    assert client._state.transport.requests == []  # type: ignore[attr-defined]  # a scripted one
    assert journal.asked == 1


async def test_clients_of_every_kind_and_any_number_are_looked_at() -> None:
    config = ClientConfig(api_key="sk_live_1", base_url="http://127.0.0.1:9")
    async with MolamAsyncClient(config, registry=CollectorRegistry()) as awaited:
        with MolamClient(config) as plain:
            found = statuses(Health(awaited, plain, client_of()))
    assert set(found) == {
        "client", "api_key", "breaker", "last_success", "client_2", "api_key_2", "client_3", "api_key_3", "breaker_2",
        "last_success_2",
    }  # fmt: skip
