"""One chaos run: a sandbox that is killed and restarted, merchants that are killed and restarted, and the verdict."""

from __future__ import annotations

import hashlib
import json
import random
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from molam_sdk.sandbox import Sandbox
from tests.chaos.merchant import Settings
from tests.chaos.orders import TENANTS
from tests.chaos.proxy import Proxy
from tests.chaos.verdict import Evidence
from tests.chaos.workers import HANDED_OVER

API_KEY = "sk_test_chaos"
Say = Callable[[str], None]


@dataclass(frozen=True)
class Plan:
    """How much, and how long at most. ``kinds`` are the merchants, one process each."""

    seed: int
    orders: int
    seconds: float
    kinds: tuple[str, ...] = ("sync", "alarms", "async", "limits")
    width: int = 16
    kill_every: float = 3.0


class SandboxProcess:
    """The sandbox as a program with a file, on one port over all its lives. ``api_keys``: one for each tenant."""

    def __init__(self, folder: Path) -> None:
        with Sandbox(db=str(folder / "sandbox.db"), api_key=API_KEY) as first:
            self.api_keys = (API_KEY, *(first.keys.create(account=f"acct_{tenant}") for tenant in TENANTS[1:]))
        with socket.create_server(("127.0.0.1", 0)) as reserved:
            self.port = reserved.getsockname()[1]
        self._command = [sys.executable, "-m", "molam_sdk.sandbox", "--port", str(self.port), "--db",
                         str(folder / "sandbox.db"), "--api-key", API_KEY, "--quiet", "--overdraft"]  # fmt: skip
        self._process: subprocess.Popen[str] | None = None
        self.lives = 0

    def start(self) -> None:
        """Begin a life; returns when it listens."""
        self.lives += 1
        self._process = subprocess.Popen(self._command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        if not self._process.stdout.readline():
            raise RuntimeError("the sandbox did not start")

    def kill(self) -> None:
        """End it in the middle of whatever it does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            assert self._process.stdout is not None
            self._process.stdout.close()

    def ask(self, path: str) -> Any:
        """Read a control path."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/_sandbox{path}", timeout=60) as answer:
            return json.load(answer)


class MerchantProcess:
    """A merchant as a program, started again until its orders are served."""

    def __init__(self, settings: Settings) -> None:
        self._settings = json.dumps(asdict(settings))
        self.table = Path(settings.table)
        self.deaths = self.shifts = 0
        self._process = self._start()

    def running(self) -> bool:
        """Whether there is work left; an end that nobody brought about is a failure of the run."""
        code = self._process.poll()
        if code == HANDED_OVER:
            self.shifts += 1
            self._process, code = self._start(), None
        if code not in (None, 0):
            raise RuntimeError(f"a merchant ended with {code}: see what it wrote above")
        return code is None

    def kill(self) -> None:
        """SIGKILL, and a new process on the same table."""
        if self._process.poll() is None:
            self.end()
            self.deaths += 1
            self._process = self._start()

    def end(self) -> None:
        """SIGKILL."""
        self._process.kill()
        self._process.wait()

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, "-m", "tests.chaos.workers", self._settings])


def run(plan: Plan, folder: Path, say: Say = print) -> tuple[dict[str, Any], list[str]]:
    """The figures, and what was wrong. ``TimeoutError`` if the orders are not served in time."""
    sandbox = SandboxProcess(folder)
    began = time.monotonic()
    with ExitStack() as stack:
        stack.callback(sandbox.kill)
        sandbox.start()
        tenants = dict(zip(sandbox.api_keys, TENANTS, strict=True))
        proxy = stack.enter_context(Proxy(plan.seed, sandbox.port, tenants))
        merchants = list[MerchantProcess]()
        for settings in _settings(plan, folder, proxy.port, sandbox.api_keys):
            merchants.append(MerchantProcess(settings))
            stack.callback(merchants[-1].end)
        _disturb(plan, sandbox, merchants, proxy, say)
        served = time.monotonic() - began
        audit = sandbox.ask("/audit?limit=10000000")["data"]
        books = sandbox.ask("/ledger")
    key_ids = {_key_id(secret): tenant for secret, tenant in tenants.items()}
    evidence = Evidence([merchant.table for merchant in merchants], proxy.record, audit, key_ids)
    wrong = evidence.lies(plan.orders) + books["discrepancies"]
    figures = {"seed": plan.seed, "orders": plan.orders, "seconds": round(served, 1)} | evidence.figures()
    figures |= {"sandbox_killed": sandbox.lives - 1, "merchants_killed": sum(one.deaths for one in merchants)}
    figures |= {"second_workers": sum(one.deaths + one.shifts for one in merchants)}
    return figures, wrong


def _key_id(secret: str) -> str:
    """What the audit trail calls an API key."""
    return "key_" + hashlib.sha256(secret.encode()).hexdigest()[:12]


def _settings(plan: Plan, folder: Path, port: int, api_keys: tuple[str, ...]) -> list[Settings]:
    """The orders in shares; a merchant that does one thing at a time gets the smallest."""
    shares = [1 if kind == "alarms" else 12 for kind in plan.kinds]
    bounds = [plan.orders * sum(shares[:number]) // sum(shares) for number in range(len(shares) + 1)]
    return [
        Settings(kind, f"http://127.0.0.1:{port}", api_keys, plan.seed, str(folder / f"merchant-{number}.jsonl"),
                 bounds[number], bounds[number + 1], plan.width)
        for number, kind in enumerate(plan.kinds)
    ]  # fmt: skip


def _disturb(plan: Plan, sandbox: SandboxProcess, merchants: list[MerchantProcess], proxy: Proxy, say: Say) -> None:
    """Kill and restart, in turns that the seed decides, until every merchant is done."""
    chance, began = random.Random(plan.seed), time.monotonic()
    next_kill = began + plan.kill_every * chance.uniform(0.5, 1)
    while sum(merchant.running() for merchant in merchants):
        now = time.monotonic()
        if now - began > plan.seconds:
            raise TimeoutError(f"seed {plan.seed}: orders left after {plan.seconds:.0f} s")
        if now >= next_kill:
            _kill(chance, sandbox, merchants)
            next_kill = time.monotonic() + plan.kill_every * chance.uniform(0.5, 1.5)
            say(f"{now - began:6.1f} s  {len(proxy.record):7d} requests  sandbox life {sandbox.lives}  "
                f"merchants killed {sum(one.deaths for one in merchants)}")  # fmt: skip
        time.sleep(0.05)


def _kill(chance: random.Random, sandbox: SandboxProcess, merchants: list[MerchantProcess]) -> None:
    """By turns the sandbox and a merchant."""
    if sandbox.lives - 1 <= sum(merchant.deaths for merchant in merchants):
        sandbox.kill()
        time.sleep(chance.uniform(0, 0.5))
        sandbox.start()
    else:
        chance.choice(merchants).kill()
