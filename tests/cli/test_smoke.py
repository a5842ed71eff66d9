"""`molam smoke`: six criteria, against a sandbox that is well and one that is not."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from click.testing import CliRunner, Result

from molam_sdk.cli.commands import molam
from molam_sdk.sandbox import Sandbox


@pytest.fixture
def smoke(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    monkeypatch.setenv("MOLAM_API_KEY", sandbox.api_key)
    monkeypatch.setenv("MOLAM_BASE_URL", sandbox.url)
    monkeypatch.setenv("MOLAM_MAX_RETRIES", "0")
    return lambda *words: CliRunner().invoke(molam, ["smoke", *words])


def test_six_things_hold_and_nothing_is_left_behind(smoke: Callable[..., Result], sandbox: Sandbox) -> None:
    ran = smoke()
    assert (ran.exit_code, ran.stdout.count("\nok  ")) == (0, 6), ran.output
    key = ran.stderr.split()[-1]
    assert sandbox.ledger.executions(idempotency_key=key) == 1
    assert smoke("--currency", "EUR").exit_code == 0


@pytest.mark.parametrize(
    ("operation", "held"),
    [
        ("retrieve_balance", 0),
        ("create_payment_intent", 1),
        ("retrieve_payment_intent", 2),
        ("cancel_payment_intent", 4),
    ],
)
def test_what_fails_is_named_and_the_exit_code_says_so(
    smoke: Callable[..., Result], sandbox: Sandbox, operation: str, held: int
) -> None:
    sandbox.faults.status(status=503, operation=operation)
    ran = smoke()
    assert ran.exit_code == 1
    assert ran.stdout.count("\nok  ") == held
    assert "\nFAIL " in ran.stdout
    assert "503" in ran.stdout


def test_a_live_key_wants_consent(smoke: Callable[..., Result], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOLAM_API_KEY", "sk_live_1")
    ran = smoke()
    assert (ran.exit_code, "say --live" in ran.stderr) == (2, True)
    assert "say --live" in smoke("--env", "production").stderr


def test_an_environment_that_nobody_knows_is_named(smoke: Callable[..., Result]) -> None:
    assert smoke("--env", "moon").exit_code == 2
