"""The shop of `molam_sdk.ops` as a process, beside a sandbox, set up to be broken in every way."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import requests
from typing_extensions import Self

from tests.support.sandbox_process import Process

_TORN = """
import sys
from molam_sdk import ClientConfig, MolamSyncClient
with MolamSyncClient(ClientConfig.from_env(timeout_total=2.0, timeout_read=2.0)) as client:
    print("sending", flush=True)
    client.create_payout({"amount": 5, "currency": "XOF", "beneficiary": "b", "origin_module": "m",
                          "origin_entity": "e"}, idempotency_key="payout-killed")
"""


class OpsShop:
    """Sells against ``sandbox``; its key and its webhook secret stand in files."""

    def __init__(self, folder: Path, sandbox: Process, *, rate: float = 8.0) -> None:
        self.folder, self._sandbox = folder, sandbox
        self.key_file, self.secret_file = folder / "api_key", folder / "webhook_secret"
        self.key_file.write_text(sandbox.key)
        self.environ = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("MOLAM_", "PROMETHEUS_"))},
            "MOLAM_API_KEY_FILE": str(self.key_file),
            "MOLAM_BASE_URL": sandbox.url,
            "MOLAM_JOURNAL": str(folder / "journal.db"),
            "MOLAM_MAX_RETRIES": "0",
        }
        command = [sys.executable, "-m", "molam_sdk.ops.shop", "--port", "0", "--folder", str(folder)]
        command += ["--rate", str(rate), "--tills", "16", "--breaker-seconds", "1"]
        self._log = (folder / "shop.log").open("wb")
        self._process = subprocess.Popen(command, env=self.environ, stdout=subprocess.PIPE, stderr=self._log, text=True)
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line.startswith("shop: "), (folder / "shop.log").read_text()
        self.url, self.secret = line.split()[-1], self.secret_file.read_text()

    @property
    def target(self) -> str:
        """As Prometheus names it."""
        return self.url.removeprefix("http://")

    def control(self, method: str, **fault: Any) -> requests.Response:
        """The faults of its sandbox: GET, POST one, DELETE all."""
        with requests.Session() as session:
            session.trust_env = False
            answer = session.request(method, f"{self._sandbox.url}/_sandbox/faults", json=fault or None, timeout=30)
        answer.raise_for_status()
        return answer

    def post_webhook(self, session: requests.Session, body: bytes, signature: str) -> int:
        """As anybody can."""
        headers = {"Molam-Signature": signature}
        return session.post(f"{self.url}/webhooks/molam", data=body, headers=headers, timeout=30).status_code

    def kill_a_worker_with_money_in_doubt(self) -> None:
        """Another process of the shop begins a payout and is killed before its answer."""
        worker = subprocess.Popen([sys.executable, "-c", _TORN], env=self.environ, stdout=subprocess.PIPE, text=True)
        assert worker.stdout is not None
        try:
            assert worker.stdout.readline() == "sending\n"
            while not self.control("GET").json()["data"][-1]["fired"]:
                assert worker.poll() is None
        finally:
            worker.kill()
            worker.wait()
            worker.stdout.close()

    def recover(self) -> None:
        """What the runbook says to run."""
        command = [sys.executable, "-m", "molam_sdk.cli", "journal", "recover", "--per-second", "1000"]
        ran = subprocess.run(command, env=self.environ, capture_output=True, text=True, timeout=120)
        assert ran.returncode == 0, ran.stdout + ran.stderr

    def close(self) -> int:
        """As an init system ends it; its exit code."""
        self._process.terminate()
        code = self._process.wait(60)
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._log.close()
        return code

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.returncode is None:
            self.close()
