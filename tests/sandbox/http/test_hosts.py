"""By which names the sandbox may be called: a web page must not reach it through a name of its own."""

from __future__ import annotations

import pytest
import requests

from molam_sdk.sandbox import Sandbox
from tests.support.sandbox_api import INTENTS

PATHS = [INTENTS, "/docs", "/openapi.json", "/metrics", "/healthz", "/_sandbox/clock"]


def status(sandbox: Sandbox, path: str, host: str) -> int:
    headers = {"Host": host, "Authorization": f"Bearer {sandbox.api_key}"}
    return requests.get(sandbox.url + path, headers=headers, timeout=5).status_code


@pytest.mark.parametrize("path", PATHS)
def test_a_foreign_name_is_refused_on_every_path(sandbox: Sandbox, path: str) -> None:
    assert [status(sandbox, path, host) for host in ("evil.example", "evil.example:80", "10.0.0.7")] == [403] * 3


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1:9", "127.9.9.9", "[::1]:80"])
def test_this_machine_is_called_by_its_own_names(sandbox: Sandbox, host: str) -> None:
    assert status(sandbox, INTENTS, host) == 200


def test_others_call_it_by_an_address_or_a_name_that_was_allowed() -> None:
    with Sandbox(host="0.0.0.0", allow_remote=True, allow_hosts=["molam"]) as sandbox:
        asked = {host: status(sandbox, INTENTS, host) for host in ("molam:8642", "10.0.0.7:8642", "evil.example")}
    assert asked == {"molam:8642": 200, "10.0.0.7:8642": 200, "evil.example": 403}
