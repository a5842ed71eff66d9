"""A real Prometheus with our rules, its times shortened, so that what takes an hour on call takes half a minute."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import pytest
import requests
from typing_extensions import Self

from molam_sdk.ops import FOLDER

SCALE: Final = 100
"""How many times faster than on call."""

_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION: Final = re.compile(r"(?<=\[)(\d+)([smhd])(?=\])|(?<=for: )(\d+)([smhd])")
_RULES: Final = ("recording.rules.yml", "alerts.rules.yml")


def needs_prometheus(program: str = "prometheus") -> str:
    """The program's path; the test is skipped where there is none."""
    found = shutil.which(program)
    if found is None:
        pytest.skip(f"no {program} here: apt-get install prometheus")
    return found


def shortened(rules: str, limits: Mapping[str, str]) -> str:
    """Rules whose ranges and waits are as many times shorter. ``limits``: seconds that are compared with, replaced."""
    for limit, shorter in limits.items():
        assert rules.count(limit) == 1, limit
        rules = rules.replace(limit, shorter)
    faster = _DURATION.sub(lambda found: _shorter(found[1] or found[3], found[2] or found[4]), rules)
    return faster.replace("interval: 15s", "interval: 500ms")


def _shorter(count: str, unit: str) -> str:
    return f"{int(count) * _SECONDS[unit] * 1000 // SCALE}ms"


class Prometheus:
    """Scrapes ``targets`` as the job ``shop``, every second."""

    def __init__(self, folder: Path, *targets: str, limits: Mapping[str, str]) -> None:
        program = needs_prometheus()
        self.url = f"http://127.0.0.1:{_free_port()}"
        for name in _RULES:
            text = (FOLDER / "prometheus" / name).read_text("utf-8")
            (folder / name).write_text(shortened(text, limits if name.startswith("alerts") else {}))
        settings = {
            "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "500ms"},
            "rule_files": list(_RULES),
            "scrape_configs": [{"job_name": "shop", "static_configs": [{"targets": list(targets)}]}],
        }
        import yaml

        (folder / "prometheus.yml").write_text(yaml.safe_dump(settings))
        self._log = (folder / "prometheus.log").open("wb")
        self._process = subprocess.Popen(
            [
                program,
                f"--config.file={folder / 'prometheus.yml'}",
                f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address={self.url.removeprefix('http://')}",
            ],
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )
        self._session = requests.Session()
        self._session.trust_env = False

    def __enter__(self) -> Self:
        self.wait_until(self._ready, "Prometheus is ready")
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        self._session.close()
        self._log.close()

    def query(self, expression: str) -> list[dict[str, Any]]:
        """What an expression is now; an ``AssertionError`` where Prometheus cannot read it."""
        answer = self._session.get(f"{self.url}/api/v1/query", params={"query": expression}, timeout=30).json()
        assert answer["status"] == "success", f"{answer.get('error')}: {expression}"
        result: list[dict[str, Any]] = answer["data"]["result"]
        return result

    def firing(self) -> set[str]:
        """The names of the alerts that fire."""
        return {each["metric"]["alertname"] for each in self.query('ALERTS{alertstate="firing"}')}

    def fired_since(self, began: float) -> set[str]:
        """Those that fired at any time since then, by Prometheus' own record."""
        seconds = max(1, int(time.time() - began))
        found = self.query(f'count by (alertname) (count_over_time(ALERTS{{alertstate="firing"}}[{seconds}s]))')
        return {each["metric"]["alertname"] for each in found}

    def wait_until(self, holds: Callable[[], bool], what: str, seconds: float = 60) -> float:
        """The seconds until something held."""
        began = time.monotonic()
        while not holds():
            assert time.monotonic() - began < seconds, f"not in {seconds} s: {what}"
            assert self._process.poll() is None, Path(self._log.name).read_text()
            time.sleep(0.1)
        return time.monotonic() - began

    def _ready(self) -> bool:
        try:
            return self._session.get(f"{self.url}/-/ready", timeout=5).ok
        except requests.ConnectionError:
            return False


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port
