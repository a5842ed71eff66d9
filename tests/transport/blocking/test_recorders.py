"""What merchants record and replay with hooks below requests; over the ordinary road each of them sees the calls."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import pook
import pytest
import vcr

from molam_sdk import ClientConfig, MolamClient
from molam_sdk.config import MolamConfigurationWarning
from molam_sdk.testing import ordinary_transport
from tests.support.caller import Caller
from tests.support.http_server import INTENT, ORDER, Serve, http

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("no_environment")]

BASE = "http://127.0.0.1:9"  # where nobody listens
INTENTS = f"{BASE}/v1/connect/payment_intents"


def pay(url: str) -> Any:
    """One payment by a client of its own."""
    with MolamClient(ClientConfig(api_key="sk_test_x", base_url=url, max_retries=0)) as client:
        return client.create_payment_intent(ORDER, idempotency_key="order-7")


def test_vcrpy_records_and_replays(caller: Caller, serve: Serve, tmp_path: Path) -> None:
    server = serve()
    recorder = vcr.VCR(cassette_library_dir=str(tmp_path), filter_headers=["Authorization"])
    for _ in range(2):
        with recorder.use_cassette("payment.yaml", record_mode="once") as cassette, ordinary_transport():
            caller.make(server.url, max_retries=0)
            assert caller.call("create_payment_intent", ORDER, idempotency_key="order-7").id == "pi_1"
    assert (cassette.play_count, len(server.requests)) == (1, 1)
    recorded = (tmp_path / "payment.yaml").read_text()
    assert "order-7" in recorded
    assert "sk_test_caller" not in recorded


def test_vcrpy_without_the_ordinary_transport_is_warned_of_once(caller: Caller, serve: Serve, tmp_path: Path) -> None:
    closed = http(201, INTENT, [("Connection", "close")])
    server = serve(usual=lambda wire: (wire.send(closed), False)[1])  # so that each call opens a connection
    caller.make(server.url)
    caller.call("create_payment_intent", ORDER)
    with vcr.use_cassette(str(tmp_path / "empty.yaml")) as cassette:
        with pytest.warns(MolamConfigurationWarning, match="neither recorded nor replayed") as seen:
            caller.call("create_payment_intent", ORDER)
        caller.call("create_payment_intent", ORDER)  # a second warning would be an error
        assert len(seen) == 1
        assert len(cassette) == 0
    assert len(server.requests) == 3


def test_vcrpy_that_is_imported_but_not_in_use_is_no_reason_to_warn(caller: Caller, serve: Serve) -> None:
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        caller.make(serve().url)
        caller.call("create_payment_intent", ORDER)
    assert [str(one.message) for one in seen] == []


RECORDED_TEST = """
import os
import pytest
from molam_sdk import ClientConfig, MolamClient

@pytest.mark.vcr
def test_payment(molam_ordinary_transport):
    with MolamClient(ClientConfig(api_key="sk_test_x", base_url=os.environ["SHOP_URL"], max_retries=0)) as client:
        intent = client.create_payment_intent({"amount": 5, "currency": "USD"}, idempotency_key="order-7")
    assert intent.id == "pi_1"
"""


def test_pytest_recording_records_and_replays(serve: Serve, tmp_path: Path) -> None:
    server = serve()
    (tmp_path / "test_shop.py").write_text(RECORDED_TEST)
    for mode in ("once", "none"):
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--record-mode={mode}", "."]
        done = subprocess.run(
            command, env=os.environ | {"SHOP_URL": server.url}, cwd=tmp_path, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stdout
    assert len(server.requests) == 1


@pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")  # httpretty's own, on Python 3.12
def test_httpretty_answers() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it imports eventlet where that is installed, which warns
        import httpretty
    # allow_net_connect=False breaks bare requests, too, with urllib3 from 2.3 on: httpretty knows no socket.shutdown
    with httpretty.enabled(), ordinary_transport():
        httpretty.register_uri(httpretty.POST, INTENTS, body=json.dumps(INTENT), status=201)
        assert pay(BASE).id == "pi_1"
        assert httpretty.last_request().headers["Idempotency-Key"] == "order-7"


def test_pook_answers() -> None:
    with pook.use(), ordinary_transport():
        mock = pook.post(INTENTS, reply=201, response_json=INTENT)
        assert pay(BASE).id == "pi_1"
        assert mock.calls == 1
