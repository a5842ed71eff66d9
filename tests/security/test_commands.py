"""No canary in what commands print of answers and settings, nor in the sandbox's record of requests."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import pytest
import requests
from click.testing import CliRunner, Result

from molam_sdk import ClientConfig, MolamClient, MolamError
from molam_sdk.cli.commands import molam
from molam_sdk.sandbox import Sandbox
from molam_sdk.store.database.sqlite import SqliteDatabase
from tests.security.canaries import CARD, CODES, LIVE_KEY, PAYMENT, PROXY_USER, TEST_KEY, WEBHOOK_SECRET, found_in
from tests.security.conftest import Outlets
from tests.support.http_server import INTENT, MOLAMS, HostileServer, Turn, answer, error, then_close
from tests.support.journals import bench_of
from tests.support.sandbox_fixtures import api, sandbox

__all__ = ["api", "sandbox"]

pytestmark = pytest.mark.slow

TERMINAL: Final = "\x1b[2J\u202e\x9b"
NOTE: Final = f"called bob, password: {CODES['pin']}, card {CARD}, key {LIVE_KEY} {TERMINAL}"


def _is_clean(text: str) -> None:
    assert found_in(text) == [], text[:2000]
    assert not any(sign in text for sign in TERMINAL if not sign.isprintable()), text


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., Result]:
    """The command, with a journal in this folder."""

    def run(*arguments: str, **environment: str) -> Result:
        return CliRunner().invoke(molam, arguments, env={"MOLAM_JOURNAL": str(tmp_path / "molam.db"), **environment})

    return run


SHOWN: Final[dict[str, Turn]] = {
    "an answer": answer(200, INTENT | {"description": NOTE, "metadata": {"card": CARD, **CODES}}, [MOLAMS]),
    "a list": answer(200, {"data": [{"id": f"pi_{TERMINAL}", "status": LIVE_KEY}], "has_more": False}, [MOLAMS]),
    "an endpoint": answer(200, {"data": [{"id": "we_1", "secret": WEBHOOK_SECRET, "url": NOTE}]}, [MOLAMS]),
    "an error": error(403, LIVE_KEY),
    "an error that says much": answer(400, {"error": {"code": "x", "message": NOTE, "param": LIVE_KEY}}, [MOLAMS]),
    "no answer": then_close(),
    "no JSON": answer(200, NOTE.encode(), [MOLAMS]),
    "another shape": answer(200, {"id": LIVE_KEY, "amount": CARD, "currency": LIVE_KEY}, [MOLAMS]),
}
COMMANDS: Final = (
    ("payments", "get", "pi_1"), ("payments", "get", "pi_1", "--json"), ("payments", "list"),
    ("payments", "confirm", "pi_1"), ("payments", "capture", "pi_1", "--amount", "5"), ("payments", "cancel", "pi_1"),
    ("refunds", "get", "re_1"), ("refunds", "list", "--json"), ("refunds", "create", "pi_1", "--amount", "5"),
    ("payouts", "get", "po_1"), ("payouts", "list"), ("endpoints", "list"), ("get", "/v1/connect/balance"),
    ("smoke",), ("webhooks", "events", "--store", "/no/such"), ("trigger", "payment.succeeded"),

    ("journal", "reconcile", "--since", "24h", "--timeout", "0.3"), ("doctor",),
)  # fmt: skip


@pytest.mark.parametrize("way", SHOWN)
def test_commands_print_no_secret(way: str, run: Callable[..., Result], tmp_path: Path, no_environment: None) -> None:
    settings = {"MOLAM_API_KEY": TEST_KEY, "MOLAM_MAX_RETRIES": "0", "MOLAM_TIMEOUT_TOTAL": "5"}
    with closing(SqliteDatabase(tmp_path / "molam.db")) as database, HostileServer(usual=SHOWN[way]) as server:
        bench_of(database)
        for command in COMMANDS:
            at = {"MOLAM_BASE_URL": server.url, "MOLAM_SANDBOX_URL": server.url}
            done = run(*command, **settings, **at, MOLAM_WEBHOOK_SECRET_V1=WEBHOOK_SECRET)
            assert done.exception is None or isinstance(done.exception, SystemExit), (command, done.exception)
            _is_clean(done.output)


WRONG: Final[dict[str, str]] = {
    "MOLAM_API_KEY": f"{LIVE_KEY} ",
    "MOLAM_API_KEY_FILE": LIVE_KEY,
    "MOLAM_BASE_URL": f"https://{PROXY_USER}@api.test",
    "MOLAM_REGION": LIVE_KEY,
    "MOLAM_ENVIRONMENT": LIVE_KEY,
    "MOLAM_PROXY": f"http://{PROXY_USER}@127.0.0.1:1",
    "MOLAM_MAX_RETRIES": LIVE_KEY,
    "MOLAM_JOURNAL_KEY": "CANARYjournalkey",
    "MOLAM_CA_BUNDLE": LIVE_KEY,
    "MOLAM_WEBHOOK_SECRET_V1": LIVE_KEY,
    "MOLAM_STORE": f"postgresql+psycopg://{PROXY_USER}@127.0.0.1:1/shop",
}


@pytest.mark.parametrize("variable", WRONG)
def test_commands_do_not_repeat_a_setting_that_is_wrong(
    variable: str, run: Callable[..., Result], tmp_path: Path, no_environment: None
) -> None:
    with closing(SqliteDatabase(tmp_path / "molam.db")) as database:
        bench_of(database)
    settings = {"MOLAM_API_KEY": TEST_KEY, "MOLAM_BASE_URL": "http://127.0.0.1:1", "MOLAM_MAX_RETRIES": "0"}
    settings = {
        name: value for name, value in settings.items() if variable not in ("MOLAM_REGION", "MOLAM_ENVIRONMENT")
    }
    for command in (*COMMANDS[:2], *COMMANDS[-6:], ("webhooks", "inbox"), ("listen", "--forward-to", "http://x.test")):
        done = run(*command, **{**settings, "MOLAM_SANDBOX_URL": "http://127.0.0.1:1", variable: WRONG[variable]})
        assert done.exception is None or isinstance(done.exception, SystemExit), (command, done.exception)
        if variable not in ("MOLAM_API_KEY_FILE", "MOLAM_CA_BUNDLE"):  # whose paths are named
            _is_clean(done.output)


def test_the_sandbox_records_no_key(sandbox: Sandbox, api: Any, outlets: Outlets) -> None:
    refused = MolamClient(ClientConfig(api_key=TEST_KEY, base_url=sandbox.url, max_retries=0))
    with refused, pytest.raises(MolamError):
        refused.create_payment_intent({"amount": 5, "currency": "USD"})
    with MolamClient(ClientConfig(api_key=sandbox.api_key, base_url=sandbox.url)) as client:
        client.headers["Cookie"] = "session=CANARYcookie"
        client.create_payment_intent(PAYMENT)
        client.create_webhook_endpoint(
            {"tenant_type": "merchant", "tenant_id": "shop", "url": "http://127.0.0.1:1/CANARY", "events": ["*"]}
        )
        client.get("/v1/connect/payment_intents", {"limit": 1})

    def told(path: str) -> str:
        with requests.get(f"{sandbox.url}{path}", timeout=30) as heard:
            assert heard.ok, (path, heard.status_code)
            return heard.text

    pages = {path: told(path) for path in ("/_sandbox/requests", "/_sandbox/requests?format=ndjson")}
    for text in (*pages.values(), *outlets.written().values()):
        assert TEST_KEY not in text
        assert sandbox.api_key not in text
        assert "CANARYcookie" not in text
