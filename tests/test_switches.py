"""Calls that somebody has switched off, by each source, and what a source that fails does: nothing."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from molam_sdk import (
    ClientConfig,
    ConfigurationError,
    MolamAsyncClient,
    MolamClient,
    MolamSyncClient,
    MolamTimeoutError,
    SwitchedOffError,
)
from molam_sdk.testing import AsyncScriptedTransport, ScriptedTransport, reply
from tests.support.script import OK, TIMEOUT

PAYMENT = {"amount": 100.5, "currency": "USD"}
PAYOUT = {"amount": 5, "currency": "XOF", "beneficiary": "b", "origin_module": "m", "origin_entity": "e"}
PAID_OUT = reply(201, PAYOUT | {"id": "po_1", "status": "pending"})


def client_of(*script: Any, registry: CollectorRegistry | None = None, **settings: Any) -> MolamSyncClient:
    config = ClientConfig(**({"api_key": "sk_live_1", "max_retries": 0} | settings))
    return MolamSyncClient(config, transport=ScriptedTransport(*script), registry=registry or CollectorRegistry())


def sent(client: Any) -> int:
    return len(client._state.transport.requests)


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file is looked at before each call."""
    monkeypatch.setattr("molam_sdk._switches._LOOK_EVERY", 0.0)


@pytest.mark.parametrize("named", ["payouts", "create_payout", "all", "refunds, create_payout"])
def test_what_is_switched_off_is_not_sent_and_anything_else_is(named: str) -> None:
    client = client_of(OK, switched_off=named)
    with pytest.raises(SwitchedOffError, match="is switched off") as caught:
        client.create_payout(PAYOUT)
    assert (caught.value.outcome, caught.value.operation, sent(client)) == ("not_sent", "create_payout", 0)
    if named != "all":
        client.create_payment_intent(PAYMENT)
        assert sent(client) == 1


def test_the_environment_says_it_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOLAM_SWITCHED_OFF", "payouts")
    monkeypatch.setenv("MOLAM_API_KEY", "sk_live_1")
    client = MolamClient(ClientConfig.from_env(), transport=ScriptedTransport())
    with pytest.raises(SwitchedOffError):
        client.create_payout(PAYOUT)


async def test_the_asyncio_client_is_stopped_as_well() -> None:
    transport = AsyncScriptedTransport(ScriptedTransport())
    config = ClientConfig(api_key="sk_live_1", switched_off="payouts")
    async with MolamAsyncClient(config, transport=transport, registry=CollectorRegistry()) as client:
        with pytest.raises(SwitchedOffError):
            await client.create_payout(PAYOUT)
    assert transport.script.requests == []


def test_it_is_counted_and_logged_and_says_nothing_about_molam(caplog: pytest.LogCaptureFixture) -> None:
    registry = CollectorRegistry()
    client = client_of(registry=registry, switched_off="payouts")
    with caplog.at_level(logging.INFO, "molam_sdk"):
        for _ in range(6):
            with pytest.raises(SwitchedOffError):
                client.create_payout(PAYOUT)
    labels = {"endpoint": "create_payout", "code": "switched_off"}
    assert registry.get_sample_value("molam_sdk_requests_total", labels) == 6
    assert client.cb.current_state == "closed"
    said = [record.getMessage() for record in caplog.records]
    assert said.count("payouts is switched off") == 1
    assert sum("code=switched_off" in line for line in said) == 6


def test_a_file_stops_calls_and_lets_them_through_again(
    tmp_path: Path, at_once: None, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "off"
    client = client_of(PAID_OUT, PAID_OUT, switches_file=str(file))
    client.create_payout(PAYOUT)  # not there yet: nothing is off
    file.write_text("# fraud, asked by Awa\npayouts  # until Monday\n")
    with pytest.raises(SwitchedOffError):
        client.create_payout(PAYOUT)
    file.write_text("")
    with caplog.at_level(logging.INFO, "molam_sdk"):
        client.create_payout(PAYOUT)
    assert "payouts is switched on again" in caplog.text
    assert sent(client) == 2


@pytest.mark.parametrize("breaks", [Path.unlink, lambda file: file.write_bytes(b"\xff\xfe")])
def test_a_file_that_is_lost_or_broken_lifts_no_stop(
    breaks: Any, tmp_path: Path, at_once: None, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "off"
    file.write_text("payouts")
    client = client_of(OK, switches_file=str(file))
    for step in (lambda: None, lambda: breaks(file), lambda: None):
        step()
        with pytest.raises(SwitchedOffError):
            client.create_payout(PAYOUT)
    client.create_payment_intent(PAYMENT)
    assert caplog.text.count("a source of switches failed") == 1


def test_a_file_that_never_could_be_read_stops_nothing(tmp_path: Path, at_once: None) -> None:
    client = client_of(PAID_OUT, switches_file=str(tmp_path))  # a folder
    client.create_payout(PAYOUT)
    assert sent(client) == 1


def test_a_name_in_the_file_that_nobody_knows_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "off").write_text("payout\npayouts\n")
    client = client_of(switches_file=str(tmp_path / "off"))
    with pytest.raises(SwitchedOffError):
        client.create_payout(PAYOUT)
    assert "names no group or operation" in caplog.text


def test_a_function_is_asked_by_the_names_of_flags() -> None:
    asked = []

    def is_on(flag: str) -> bool:
        asked.append(flag)
        return flag != "molam.payouts.enabled"

    client = client_of(OK, switches=is_on)
    client.create_payment_intent(PAYMENT)
    with pytest.raises(SwitchedOffError, match=r"molam\.payouts\.enabled"):
        client.create_payout(PAYOUT)
    assert asked[:3] == ["molam.all.enabled", "molam.payments.enabled", "molam.create_payment_intent.enabled"]


@pytest.mark.parametrize("answer", [None, True, 0, "off"])
def test_whatever_is_not_false_is_on(answer: object) -> None:
    client_of(PAID_OUT, switches=lambda _flag: answer).create_payout(PAYOUT)


def test_a_function_that_fails_changes_nothing(caplog: pytest.LogCaptureFixture) -> None:
    answers: list[Any] = []

    def ask(flag: str) -> bool:
        if answers and answers[0] is OSError:
            raise OSError("the flags' server is away")
        return not answers or flag not in answers

    client = client_of(PAID_OUT, switches=ask)
    answers[:] = [OSError]
    client.create_payout(PAYOUT)  # never answered: on
    answers[:] = ["molam.payouts.enabled"]
    with pytest.raises(SwitchedOffError):
        client.create_payout(PAYOUT)
    answers[:] = [OSError]
    with pytest.raises(SwitchedOffError):
        client.create_payout(PAYOUT)
    assert caplog.text.count("a source of switches failed") == 2


def test_what_is_in_doubt_is_not_asked_again_and_stays_in_doubt() -> None:
    off = [False]
    client = client_of(TIMEOUT, PAID_OUT, switches=lambda _flag: not off[0])
    with pytest.raises(MolamTimeoutError) as caught:
        client.create_payout(PAYOUT, idempotency_key="payout-1")
    off[0] = True
    with pytest.raises(SwitchedOffError) as stopped:
        client.resolve(caught.value)
    assert (stopped.value.outcome, sent(client)) == ("unknown", 1)
    off[0] = False
    assert client.resolve(stopped.value).id == "po_1"


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"switched_off": "payout"}, "switched_off: unknown group or operation"),
        ({"switches": "payouts"}, "switches must be a function"),
        ({"switches_file": 7}, "switches_file must be a text"),
    ],
)
def test_a_wrong_setting_is_named_before_anything_is_sent(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        client_of(**settings)
