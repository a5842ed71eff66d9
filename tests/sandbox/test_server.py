"""Starting, stopping, files: nothing left behind, nothing lost, nobody else let in."""

from __future__ import annotations

import logging
import socket
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
from sqlalchemy import text

from molam_sdk.sandbox import DatabaseInUseError, Sandbox
from molam_sdk.sandbox.keys import main_key
from molam_sdk.sandbox.tables import MIGRATIONS
from tests.support.sandbox_api import INTENTS, PAYOUT, PAYOUTS, Api
from tests.support.sandbox_process import ROOT, Process
from tests.support.sandbox_receiver import Receiver


def test_several_run_in_one_process_and_know_nothing_of_each_other() -> None:
    with Sandbox() as one, Sandbox(seed=1) as two:
        assert one.url != two.url
        assert one.api_key != two.api_key
        api = Api(two.url, one.api_key)
        assert api.get(INTENTS).status_code == 401
        api.close()


def test_stop_leaves_no_thread_and_no_port_behind(receiver: Receiver) -> None:
    before = set(threading.enumerate())
    sandbox = Sandbox().start()
    api = Api(sandbox.url, sandbox.api_key)
    api.subscribe(receiver.url)
    api.paid()
    sandbox.webhooks.wait()
    parts = urlsplit(sandbox.url)
    sandbox.stop()
    sandbox.stop()
    assert set(threading.enumerate()) - before <= {t for t in threading.enumerate() if "process_request" in t.name}
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((parts.hostname or "", parts.port or 0), timeout=2).close()
    api.close()


@pytest.mark.alone
def test_start_takes_far_less_than_300_ms() -> None:
    began = time.perf_counter()
    with Sandbox():
        assert time.perf_counter() - began < 0.3


@pytest.mark.alone
def test_an_answer_does_not_wait_for_an_acknowledgement(api: Api) -> None:
    taken = []
    for _ in range(31):
        began = time.perf_counter()
        api.intent()
        taken.append(time.perf_counter() - began)
    # Without TCP_NODELAY on the accepted connection all but the first few take 40 ms.
    assert statistics.median(taken) < 0.035


def test_a_sandbox_can_be_started_again(tmp_path: Path) -> None:
    sandbox = Sandbox(db=str(tmp_path / "molam.db"))
    with sandbox:
        api = Api(sandbox.url, sandbox.api_key)
        intent = api.intent()
        api.close()
    with sandbox:
        api = Api(sandbox.url, sandbox.api_key)
        assert api.get(f"{INTENTS}/{intent['id']}").json() == intent
        api.close()


def test_what_is_not_running_says_so() -> None:
    sandbox = Sandbox()
    for use in (lambda: sandbox.url, sandbox.ledger.balanced, sandbox.webhooks.wait, sandbox.keys.create):
        with pytest.raises(RuntimeError, match="not running"):
            use()
    with sandbox, pytest.raises(RuntimeError, match="running already"):
        sandbox.start()


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"host": "0.0.0.0"}, "allow_remote"),
        ({"rate": 0}, "rate"),
        ({"error_format": "xml"}, "error_format"),
        ({"api_key": "sk_live_x"}, "sk_test_"),
    ],
)
def test_a_wrong_setting_is_refused(wrong: dict[str, object], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        Sandbox(**wrong)  # type: ignore[arg-type] - wrong on purpose


@pytest.mark.parametrize(("host", "shown"), [("0.0.0.0", "127.0.0.1"), ("localhost", "127.0.0.1"), ("::1", "[::1]")])
def test_other_addresses_of_this_machine_work_when_asked_for(host: str, shown: str) -> None:
    try:
        sandbox = Sandbox(host=host, allow_remote=True).start()
    except OSError as error:
        pytest.skip(f"{host}: {error}")
    try:
        assert urlsplit(sandbox.url).netloc.rpartition(":")[0] == shown
        assert requests.get(sandbox.url + "/_sandbox/clock", timeout=5).status_code == 200
        sandbox.faults.drop_before()
        with pytest.raises(requests.ConnectionError):
            requests.get(sandbox.url + INTENTS, timeout=5)
    finally:
        sandbox.stop()


def test_a_port_in_use_is_an_oserror_and_leaves_nothing_open(tmp_path: Path) -> None:
    with Sandbox() as running:
        taken = Sandbox(port=urlsplit(running.url).port or 0, db=str(tmp_path / "molam.db"))
        with pytest.raises(OSError, match="in use"):
            taken.start()
    Sandbox(db=str(tmp_path / "molam.db")).start().stop()


def test_a_file_serves_one_sandbox_at_a_time(tmp_path: Path) -> None:
    path = str(tmp_path / "molam.db")
    with Sandbox(db=path), pytest.raises(DatabaseInUseError, match=r"molam\.db"):
        Sandbox(db=path).start()


def test_a_file_keeps_everything_and_the_time(tmp_path: Path) -> None:
    path = str(tmp_path / "molam.db")
    with Sandbox(db=path) as sandbox:
        api = Api(sandbox.url, sandbox.api_key)
        answer = api.post(INTENTS, {"amount": 1, "currency": "USD"}, key="k1")
        payout = api.made(PAYOUTS, PAYOUT)
        key = sandbox.keys.create("payouts:read")
        sandbox.clock.advance(seconds=30)
        api.close()
    with Sandbox(db=path) as sandbox:
        assert sandbox.clock.offset == pytest.approx(30, abs=1)
        api, reader = Api(sandbox.url, sandbox.api_key), Api(sandbox.url, key)
        assert api.post(INTENTS, {"amount": 1, "currency": "USD"}, key="k1").content == answer.content
        assert reader.get(f"{PAYOUTS}/{payout['id']}").json()["status"] == "pending"
        sandbox.clock.advance(seconds=31)
        assert reader.get(f"{PAYOUTS}/{payout['id']}").json()["status"] == "completed"
        api.close()
        reader.close()


def test_migrations_run_once_and_carry_an_old_file_along(tmp_path: Path) -> None:
    path = str(tmp_path / "molam.db")
    for _ in range(2):
        with Sandbox(db=path) as sandbox, sandbox._store.transaction() as tx:
            assert tx.connection.execute(text("PRAGMA user_version")).scalar_one() == len(MIGRATIONS)
    with Sandbox(db=path) as sandbox, sandbox._store.transaction() as tx:
        tx.connection.execute(text("DROP TRIGGER ledger_no_update"))
        tx.connection.execute(text("PRAGMA user_version = 1"))
    with Sandbox(db=path) as sandbox, sandbox._store.transaction() as tx:
        found = tx.connection.execute(text("SELECT count(*) FROM sqlite_master WHERE name = 'ledger_no_update'"))
        assert found.scalar_one() == 1


def test_the_key_is_the_same_for_the_same_seed() -> None:
    assert Sandbox(seed=3).api_key == Sandbox(seed=3).api_key == main_key(3) != main_key(4)
    with Sandbox(api_key="sk_test_mine") as sandbox:
        assert (
            requests.get(sandbox.url + INTENTS, headers={"Authorization": "Bearer sk_test_mine"}, timeout=5).status_code
            == 200
        )


def test_running_requests_finish_before_it_stops(sandbox: Sandbox) -> None:
    sandbox.faults.latency(30, times=1)
    api = Api(sandbox.url, sandbox.api_key)
    statuses: list[int] = []
    thread = threading.Thread(
        target=lambda: statuses.append(api.post(INTENTS, {"amount": 1, "currency": "USD"}).status_code)
    )
    thread.start()
    while not sandbox.faults.list()[0]["fired"]:
        time.sleep(0.002)
    began = time.monotonic()
    sandbox.stop()
    thread.join()
    api.close()
    assert statuses == [201]
    assert time.monotonic() - began < 2


@pytest.mark.parametrize(
    ("path", "part"), [("/healthz", "ok"), ("/readyz", "ready"), ("/metrics", "molam_sandbox_requests_total")]
)
def test_it_can_be_watched(sandbox: Sandbox, path: str, part: str) -> None:
    answer = requests.get(sandbox.url + path, timeout=5)
    assert answer.status_code == 200
    assert part in answer.text


def test_metrics_count_by_operation_and_status(api: Api, sandbox: Sandbox) -> None:
    api.intent()
    api.post(INTENTS)
    page = requests.get(sandbox.url + "/metrics", timeout=5).text
    for status in ("2xx", "4xx"):
        assert f'molam_sandbox_requests_total{{operation="create_payment_intent",status="{status}"}} 1.0' in page


def test_browsers_of_other_origins_are_let_in_only_by_configuration() -> None:
    asked = {"Origin": "https://shop.example", "Access-Control-Request-Method": "POST"}
    for origins, allowed in (((), None), (("https://shop.example",), "https://shop.example")):
        with Sandbox(cors_origins=origins) as sandbox:
            answer = requests.options(sandbox.url + INTENTS, headers=asked, timeout=5)
            assert answer.headers.get("Access-Control-Allow-Origin") == allowed


def test_each_request_is_one_structured_record_without_secrets(
    api: Api, sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "molam_sdk.sandbox"):
        answer = api.post(INTENTS, {"amount": 1, "currency": "USD"}, key="k1")
    (record,) = [record for record in caplog.records if record.name == "molam_sdk.sandbox"]
    facts = record.__dict__["molam"]
    assert facts["request_id"] == answer.headers["X-Molam-Request-Id"]
    assert (facts["operation"], facts["status"], facts["idempotency_key"]) == ("create_payment_intent", 201, "k1")
    assert sandbox.api_key not in str(facts)


def test_a_failure_of_the_sandbox_itself_is_a_500_in_its_error_shape_and_is_not_stored(
    api: Api, sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    with sandbox._store.transaction() as tx:
        tx.connection.execute(text("ALTER TABLE events RENAME TO away"))
    answer = api.post(INTENTS, {"amount": 1, "currency": "USD"}, key="k1")
    with sandbox._store.transaction() as tx:
        tx.connection.execute(text("ALTER TABLE away RENAME TO events"))
    assert (answer.status_code, answer.json()["error"]["code"]) == (500, "internal_error")
    assert api.post(INTENTS, {"amount": 1, "currency": "USD"}, key="k1").status_code == 201
    assert sandbox.ledger.executions(idempotency_key="k1") == 1


def test_as_a_process_it_ends_cleanly_on_sigterm(tmp_path: Path) -> None:
    process = Process("--db", str(tmp_path / "molam.db"))
    api = process.api()
    api.intent()
    api.close()
    assert process.terminate() == 0


def test_a_program_that_forgets_to_stop_it_ends_in_silence() -> None:
    script = "from molam_sdk.sandbox import Sandbox; s = Sandbox().start(); print(s.url)"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, timeout=30, cwd=ROOT
    )
    assert (done.returncode, done.stderr) == (0, "")
