"""`molam webhooks backfill` against a sandbox, with a shop's own receiver."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from molam_sdk import ClientConfig, MolamClient
from molam_sdk.cli.commands import molam as group
from molam_sdk.sandbox import Sandbox

SHOP = """
from molam_sdk.receiver import WebhookReceiver
receiver = WebhookReceiver("whsec_shop", {store!r}, registry=__import__("prometheus_client").CollectorRegistry())
shipped, broken = [], []

@receiver.on("payment.succeeded")
def ship(event):
    if broken:
        raise broken.pop()
    shipped.append((event.object_id, event.synthetic))
"""


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running


@pytest.fixture
def paid(sandbox: Sandbox) -> str:
    with MolamClient(ClientConfig(api_key=sandbox.api_key, base_url=sandbox.url)) as client:
        intent = client.create_payment_intent({"amount": 5000, "currency": "XOF", "capture": True})
        return client.confirm_payment_intent(intent.id).id


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The name of a module with a receiver."""
    name = "backfilled_shop"
    (tmp_path / f"{name}.py").write_text(SHOP.format(store=str(tmp_path / "shop.sqlite3")))
    monkeypatch.syspath_prepend(str(tmp_path))
    yield name
    sys.modules.pop(name).receiver.store.close()


def backfill(sandbox: Sandbox, shop: str, *arguments: str) -> Result:
    env = {"MOLAM_API_KEY": sandbox.api_key, "MOLAM_BASE_URL": sandbox.url}
    return CliRunner().invoke(group, ["webhooks", "backfill", "--app", f"{shop}:receiver", *arguments], env=env)


def test_what_was_missed_is_run_and_the_exit_code_says_whether_all_was(sandbox: Sandbox, shop: str, paid: str) -> None:
    left = backfill(sandbox, shop, "--since", "24h")
    assert (left.exit_code, left.stdout) == (1, "1 objects looked at: 1 unremembered\n")
    assert "--include-unremembered runs them" in left.stderr
    sys.modules[shop].broken.append(RuntimeError("the shop is away"))
    failed = backfill(sandbox, shop, "--since", "24h", "--include-unremembered")
    assert (failed.exit_code, failed.stdout) == (1, "1 objects looked at: 1 failed\n")
    ran = backfill(sandbox, shop, "--since", "24h", "--include-unremembered")
    assert (ran.exit_code, ran.stdout) == (0, "1 objects looked at: 1 handled\n")
    assert sys.modules[shop].shipped == [(paid, True)]
    assert backfill(sandbox, shop, "--since", "24h", "--resume", "end").stdout == "0 objects looked at\n"


def test_who_is_interrupted_is_told_how_to_go_on(sandbox: Sandbox, shop: str, paid: str) -> None:
    __import__(shop)
    sys.modules[shop].broken.append(KeyboardInterrupt())
    stopped = backfill(sandbox, shop, "--since", "24h", "--include-unremembered")
    assert (stopped.exit_code, stopped.stderr) == (130, "stopped before anything was run\n")
    sandbox.faults.status(status=403)
    refused = backfill(sandbox, shop, "--since", "24h")
    assert refused.exit_code == 1
    assert "Error:" in refused.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--since", "yesterday"), "is no time: say 24h"),
        (("--since", "24h", "--reach", "long"), "is no duration"),
        (("--since", "24h", "--per-second", "0"), "per_second is 0.0"),
        (("--since", "24h", "--resume", "evt_1"), "the mark of a backfill"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(
    sandbox: Sandbox, shop: str, arguments: tuple[str, ...], said: str
) -> None:
    __import__(shop)
    result = backfill(sandbox, shop, *arguments)
    assert result.exit_code == 1
    assert said in result.stderr
