"""The API by hand: `molam payments`, `refunds`, `payouts`, `endpoints`, `get`, `resolve`, against a real sandbox."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from molam_sdk import ClientConfig, MolamClient
from molam_sdk.cli.commands import molam
from molam_sdk.sandbox import Sandbox

ORDER = {"amount": 5000, "currency": "XOF", "customer_id": "cus_7"}
Run = Callable[..., Result]


@pytest.fixture
def run(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Run:
    """`molam` with the sandbox's key in the environment."""
    monkeypatch.setenv("MOLAM_API_KEY", sandbox.api_key)
    monkeypatch.setenv("MOLAM_BASE_URL", sandbox.url)
    monkeypatch.setenv("MOLAM_MAX_RETRIES", "0")
    return lambda *words, **given: CliRunner().invoke(molam, words, **given)


@pytest.fixture
def client(sandbox: Sandbox) -> Any:
    with MolamClient(ClientConfig(api_key=sandbox.api_key, base_url=sandbox.url, max_retries=0)) as client:
        yield client


def told(ran: Result) -> dict[str, Any]:
    assert ran.exit_code == 0, ran.output
    found: dict[str, Any] = json.loads(ran.stdout)
    return found


def test_a_payment_is_taken_and_given_back(run: Run, client: MolamClient, sandbox: Sandbox) -> None:
    payment = client.create_payment_intent(ORDER).id
    confirmed = run("payments", "confirm", payment, "--json", "--idempotency-key", "mine-1")
    assert (told(confirmed)["status"], confirmed.stderr) == ("requires_capture", "idempotency key: mine-1\n")
    assert told(run("payments", "capture", payment, "--json"))["status"] == "succeeded"
    refund = told(run("refunds", "create", payment, "--amount", "1500", "--reason", "one item", "--json"))
    assert (refund["payment_id"], float(refund["amount"]), refund["reason"]) == (payment, 1500, "one item")
    assert told(run("refunds", "get", refund["id"], "--json"))["id"] == refund["id"]
    assert refund["id"] in run("refunds", "list", "--payment", payment).output
    assert sandbox.ledger.executions(idempotency_key="mine-1") == 1


def test_payments_are_listed_in_lines_and_shown_in_full(run: Run, client: MolamClient) -> None:
    made = [client.create_payment_intent(ORDER | {"customer_id": f"cus_{number}"}).id for number in range(3)]
    assert len(run("payments", "list", "--limit", "2").output.splitlines()) == 2
    only = run("payments", "list", "--customer", "cus_1").output
    assert only.split()[:4] == [made[1], "requires_confirmation", "5000", "XOF"]
    shown = run("payments", "get", made[0]).output
    assert f"id               {made[0]}\n" in shown
    assert told(run("payments", "cancel", made[0], "--json"))["status"] == "canceled"


def test_payouts_endpoints_and_any_path_are_read(run: Run, client: MolamClient) -> None:
    client.confirm_payment_intent(client.create_payment_intent({"amount": 500, "currency": "XOF", "capture": True}).id)
    given = {"amount": 5, "currency": "XOF", "beneficiary": "b", "origin_module": "m", "origin_entity": "e"}
    payout = client.create_payout(given).id  # type: ignore[arg-type]  # its keys are known
    url = "http://127.0.0.1:9/webhooks"
    client.create_webhook_endpoint({"tenant_type": "merchant", "tenant_id": "t", "url": url, "events": ["*"]})
    assert payout in run("payouts", "list").output
    assert told(run("payouts", "get", payout, "--json"))["beneficiary"] == "b"
    assert url in run("endpoints", "list").output
    assert "whsec_" not in run("endpoints", "list", "--json").output
    assert told(run("get", "/v1/connect/balance"))["data"] is not None


def test_a_call_in_doubt_is_resolved_by_its_key(
    run: Run, client: MolamClient, sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOLAM_JOURNAL", str(tmp_path / "journal.db"))
    payment = client.create_payment_intent(ORDER).id
    sandbox.faults.drop_after_commit(times=1, operation="confirm_payment_intent")
    lost = run("payments", "confirm", payment, "--idempotency-key", "confirm-1")
    assert (lost.exit_code, "outcome=unknown" in lost.stderr) == (3, True)
    assert told(run("resolve", "confirm-1", "--json"))["id"] == payment
    assert sandbox.ledger.executions(idempotency_key="confirm-1") == 1


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("payments", "get", "pi_nobody"), 1, "404"),
        (("resolve", "never-used"), 1, "never-used"),
        (("payments", "capture", "pi_1", "--amount", "much"), 1, "amount"),
        (("payments", "list", "--limit", "0"), 2, "--limit"),
    ],
)
def test_what_is_refused_says_why(run: Run, words: tuple[str, ...], code: int, said: str) -> None:
    ran = run(*words)
    assert (ran.exit_code, said in ran.stderr) == (code, True), ran.stderr


def test_a_key_that_is_wrong_is_not_repeated(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOLAM_API_KEY", "sk_test_wrong_and_secret")
    ran = run("payments", "list")
    assert (ran.exit_code, "401" in ran.stderr, "wrong_and_secret" in ran.output) == (1, True, False)


def test_ctrl_c_ends_with_130_and_the_key_is_known(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("molam_sdk.MolamSyncClient.cancel_payment_intent", interrupted)
    ran = run("payments", "cancel", "pi_1", "--idempotency-key", "cancel-1")
    assert ran.exit_code == 130
    assert "idempotency key: cancel-1" in ran.stderr


WRITES = [
    ("payments", "confirm", "pi_1"),
    ("payments", "capture", "pi_1"),
    ("payments", "cancel", "pi_1"),
    ("refunds", "create", "pi_1"),
    ("resolve", "pi_1"),
]


@pytest.fixture
def live(run: Run, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, str, int]]:
    """Runs with a live key: exit code, what was said, and how many requests came."""
    monkeypatch.setenv("MOLAM_API_KEY", "sk_live_of_the_shop")

    def invoke(*words: str, typed: str = "", terminal: bool = True) -> tuple[int, str, int]:
        before = len(sandbox.ledger.audit(1000))
        monkeypatch.setattr("molam_sdk.cli.calling.has_terminal", lambda: terminal)
        ran = run(*words, input=typed)
        return ran.exit_code, ran.stderr, len(sandbox.ledger.audit(1000)) - before

    return invoke


@pytest.mark.parametrize("words", WRITES)
def test_a_live_key_changes_nothing_without_consent(words: tuple[str, ...], live: Any) -> None:
    assert live(*words)[::2] == (2, 0)
    code, said, sent = live(*words, "--live", terminal=False)
    assert (code, "somebody can type" in said, sent) == (2, True, 0)
    code, said, sent = live(*words, "--live", typed="yes\n")
    assert (code, "not confirmed" in said, sent) == (2, True, 0)


@pytest.mark.parametrize("words", WRITES[:-1])
def test_with_consent_it_is_sent(words: tuple[str, ...], live: Any) -> None:
    code, said, _ = live(*words, "--live", typed="pi_1\n")
    assert (code, "401" in said) == (1, True)  # the sandbox takes no live key: so it was asked


def test_reading_with_a_live_key_asks_for_no_consent(live: Any) -> None:
    code, said, _ = live("payments", "get", "pi_1")
    assert (code, "401" in said) == (1, True)
