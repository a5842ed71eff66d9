"""Addresses and ports."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from molam_sdk.sandbox import Sandbox
from tests.support.sandbox_api import INTENTS


@pytest.mark.parametrize(("host", "shown"), [("0.0.0.0", "127.0.0.1"), ("localhost", "127.0.0.1"), ("::1", "[::1]")])
def test_other_addresses_of_this_machine_work_when_asked_for(host: str, shown: str) -> None:
    try:
        sandbox = Sandbox(host=host, allow_remote=True).start()
    except OSError as error:
        pytest.skip(f"{host}: {error}")
    try:
        assert urlsplit(sandbox.url).netloc.rpartition(":")[0] == shown
        assert requests.get(sandbox.url + "/_sandbox/clock", timeout=30).status_code == 200
        sandbox.faults.drop_before()
        with pytest.raises(requests.ConnectionError):
            requests.get(sandbox.url + INTENTS, timeout=30)
    finally:
        sandbox.stop()


def test_a_port_in_use_is_an_oserror_and_leaves_nothing_open(tmp_path: Path) -> None:
    with Sandbox() as running:
        taken = Sandbox(port=urlsplit(running.url).port or 0, db=str(tmp_path / "molam.db"))
        with pytest.raises(OSError, match="in use"):
            taken.start()
    Sandbox(db=str(tmp_path / "molam.db")).start().stop()
