"""`molam listen`: a sandbox's webhooks at a shop, byte for byte, shown and sent again at a key."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from molam_sdk.sandbox import Sandbox
from molam_sdk.store import MemoryStore
from tests.cli.test_control import molam
from tests.support.sandbox_process import ROOT
from tests.support.webhooks.posted_shop import PostedShop

pytestmark = pytest.mark.timeout(60)


@contextmanager
def listening(sandbox: Sandbox, shop_url: str, *arguments: str) -> Iterator[Any]:
    command = [sys.executable, "-u", "-m", "molam_sdk.cli", "listen", "--forward-to", shop_url, "--url", sandbox.url]
    environment = {**os.environ, "MOLAM_API_KEY": sandbox.api_key, "MOLAM_SANDBOX_URL": ""}
    pipes: Any = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    with subprocess.Popen([*command, *arguments], text=True, cwd=ROOT, env=environment, **pipes) as process:
        try:
            yield process
        finally:
            process.kill()


def told_secret(process: Any) -> dict[str, str]:
    """What the shop is to verify with, as the program prints it."""
    assert process.stdout.readline().startswith("Webhooks go to http://127.0.0.1:")
    name, _, secret = process.stdout.readline().strip().removeprefix("export MOLAM_WEBHOOK_SECRET_").partition("=")
    assert process.stdout.readline() == "Keys: r sends the last event again, q ends.\n"
    return {name.lower(): secret}


def press(process: Any, key: str) -> None:
    process.stdin.write(f"{key}\n")
    process.stdin.flush()


def test_deliveries_arrive_as_they_were_signed_are_shown_and_sent_again(sandbox: Sandbox) -> None:
    secrets: dict[str, str] = {}
    with PostedShop(secrets, MemoryStore()) as shop, listening(sandbox, shop.url) as process:
        secrets.update(told_secret(process))
        press(process, "r")
        assert process.stdout.readline() == "nothing came yet\n"
        event_id = sandbox.webhooks.trigger("payment.succeeded")
        line = process.stdout.readline()
        assert f"payment.succeeded    {event_id}  200" in line
        assert " ms  " in line
        assert '{"result": "handled"}' in line
        press(process, "r")
        assert '{"result": "duplicate"}' in process.stdout.readline()
        sandbox.webhooks.wait(20)
        press(process, "q")
        assert process.wait(20) == 0
    (first, body), (again, same_body) = shop.requests
    assert body == same_body
    assert first["Molam-Signature"] != again["Molam-Signature"]
    assert first["Idempotency-Key"] == again["Idempotency-Key"]
    assert [delivery.status for delivery in sandbox.webhooks.deliveries()] == ["delivered"]


def test_what_the_shop_does_not_take_molam_is_told(sandbox: Sandbox) -> None:
    secrets: dict[str, str] = {}
    with PostedShop(secrets, MemoryStore()) as shop, listening(sandbox, shop.url) as process:
        secrets.update(told_secret(process))
        shop.failures = 1
        sandbox.webhooks.trigger("payment.succeeded")
        assert "  500 " in process.stdout.readline()
        sandbox.webhooks.wait(20)
        assert [delivery.status for delivery in sandbox.webhooks.deliveries()] != ["delivered"]


def test_a_shop_that_is_not_there_is_shown(sandbox: Sandbox) -> None:
    with listening(sandbox, "http://127.0.0.1:9/", "--events", "payout.*") as process:
        told_secret(process)
        sandbox.webhooks.trigger("payment.succeeded")
        sandbox.webhooks.trigger("payout.paid")
        line = process.stdout.readline()
        assert "payout.paid" in line
        assert "no answer" in line


def test_its_endpoint_goes_when_it_ends(sandbox: Sandbox, api: Any) -> None:
    with listening(sandbox, "http://127.0.0.1:9/") as process:
        told_secret(process)
        assert len(endpoints(api)) == 1
        press(process, "q")
        assert process.wait(20) == 0
    assert endpoints(api) == []


def endpoints(api: Any) -> list[Any]:
    listed: list[Any] = api.get("/v1/webhooks/endpoints", tenant_type="merchant", tenant_id="listen").json()["data"]
    return listed


def test_without_a_key_or_a_sandbox_it_says_so() -> None:
    ran = molam("listen", "--forward-to", "http://127.0.0.1:9/")
    assert (ran.exit_code, "set MOLAM_API_KEY" in ran.stderr) == (2, True)
    ran = molam("listen", "--forward-to", "http://x/", "--events", "payments.*", MOLAM_API_KEY="sk_test_1")
    assert (ran.exit_code, "no event type is called 'payments.*'" in ran.stderr) == (2, True)
    ran = molam("listen", "--forward-to", "http://x/", "--url", "http://127.0.0.1:9", MOLAM_API_KEY="sk_test_1")
    assert (ran.exit_code, "no endpoint could be made at http://127.0.0.1:9" in ran.stderr) == (1, True)
