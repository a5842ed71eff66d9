"""RUNBOOK's set-ups of logging, run by Django and by gunicorn themselves: the lines say what to reconcile."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
UNKNOWN = (
    " WARNING molam_sdk call unknown create_payment_intent idempotency_key=order-7 outcome=unknown"
    " error=MolamTimeoutError code=timeout attempts=1 "
)
SHOP = """
from molam_sdk import ClientConfig, MolamError, MolamSyncClient
from molam_sdk.testing import Failure, NoReply, ScriptedTransport, reply

def pay():
    config = ClientConfig(api_key="sk_live_topsecret", max_retries=0)
    client = MolamSyncClient(config, transport=ScriptedTransport(NoReply(Failure.TIMEOUT, "late"), reply(200, {})))
    try:
        client.create_payment_intent({"amount": 100, "currency": "XOF"}, idempotency_key="order-7")
    except MolamError:
        client.get("/v1/ping")

def app(environ, start):
    pay()
    start("204 No Content", [])
    return []
"""


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Of a process that finds the shop."""
    (tmp_path / "shop.py").write_text(SHOP, encoding="utf-8")
    path = os.pathsep.join([str(tmp_path), str(ROOT)])
    return {**os.environ, "PYTHONPATH": path, "DJANGO_SETTINGS_MODULE": "settings"}


def _write_block(name: str, file: Path) -> None:
    """The block of RUNBOOK that assigns this name."""
    text = (ROOT / "RUNBOOK.md").read_text("utf-8")
    (block,) = re.findall(rf"```python\n({name} = \{{.*?)```", text, re.DOTALL)
    file.write_text(block, encoding="utf-8")


def _check(log: str) -> None:
    assert UNKNOWN in log
    assert " INFO molam_sdk call get code=200 attempts=1 " in log
    assert log.count("molam_sdk call ") == 2


def test_django_writes_what_to_reconcile(tmp_path: Path, environment: dict[str, str]) -> None:
    pytest.importorskip("django", reason="django is not installed")
    _write_block("LOGGING", tmp_path / "settings.py")
    program = [sys.executable, "-c", "import django; django.setup(); import shop; shop.pay()"]
    ran = subprocess.run(program, capture_output=True, text=True, timeout=60, env=environment, check=True)
    _check(ran.stderr)


@pytest.mark.skipif(sys.platform == "win32", reason="gunicorn does not run there")
def test_gunicorn_writes_what_to_reconcile(tmp_path: Path, environment: dict[str, str]) -> None:
    pytest.importorskip("gunicorn", reason="gunicorn is not installed")
    _write_block("logconfig_dict", tmp_path / "gunicorn.conf.py")
    with (tmp_path / "log").open("wb") as log, socket.create_server(("127.0.0.1", 0)) as listener:
        descriptor, port = listener.fileno(), listener.getsockname()[1]
        options = ["--bind", f"fd://{descriptor}", "--worker-tmp-dir", str(tmp_path)]
        command = [sys.executable, "-m", "gunicorn", *options, "shop:app"]
        serving = subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=log, pass_fds=[descriptor])
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=60) as answer:
                assert answer.status == 204
        finally:
            serving.terminate()
            serving.wait(60)
    text = (tmp_path / "log").read_text("utf-8")
    _check(text)
    assert "[INFO] Booting worker " in text
