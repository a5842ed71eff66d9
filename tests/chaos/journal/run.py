"""A chaos run of shops that note nothing: they, the sandbox and the journal's database are killed in turns."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from molam_sdk import MolamError, MolamSyncClient
from molam_sdk.journal import Reconciliation, ReconciliationStep
from tests.chaos.journal.databases import PLACES, JournalPlace
from tests.chaos.journal.planted import Planted
from tests.chaos.journal.shop import ShopSettings
from tests.chaos.orders import TENANTS
from tests.chaos.proxy import Proxy
from tests.chaos.run import SandboxProcess
from tests.support.servers import free_port

_LEAST_ANSWERS = 2.5
"""Of Molam, for each order: two calls, and what the faults cost."""
_PATIENCE, _PATIENCE_FOR_EACH = 240.0, 0.5
_SAY_EVERY = 5.0
Say = Callable[[str], None]


@dataclass(frozen=True)
class JournalPlan:
    """How much; ``seconds``: how long at most, by the orders where it is None. ``kills``: how often at least shops,
    sandbox and database are killed, evenly over Molam's answers, however long these take."""

    seed: int
    orders: int
    seconds: float | None = None
    database: str = "sqlite"
    shops: int = 3
    width: int = 8
    kills: int = 6

    @property
    def patience(self) -> float:
        """Seconds until it is given up."""
        return _PATIENCE + _PATIENCE_FOR_EACH * self.orders if self.seconds is None else self.seconds


class ShopProcess:
    """A shop as a program, started again until its orders are served."""

    def __init__(self, settings: ShopSettings) -> None:
        self._command = [sys.executable, "-m", "tests.chaos.journal.shop", json.dumps(asdict(settings))]
        self.deaths = 0
        self._process = subprocess.Popen(self._command)

    def running(self) -> bool:
        """Whether there is work left; an end that nobody brought about is a failure of the run."""
        code = self._process.poll()
        if code not in (None, 0):
            raise RuntimeError(f"a shop ended with {code}: see what it wrote above")
        return code is None

    def kill(self) -> None:
        """SIGKILL, and a new process that knows nothing."""
        if self._process.poll() is None:
            self.end()
            self.deaths += 1
            self._process = subprocess.Popen(self._command)

    def end(self) -> None:
        """SIGKILL."""
        self._process.kill()
        self._process.wait()


def run_with_journal(plan: JournalPlan, folder: Path, say: Say = print) -> tuple[dict[str, Any], list[str]]:
    """The figures, and what was wrong. ``TimeoutError`` if the orders are not served in time.

    It goes on with what is in the folder: a run that was broken off is resumed with the same plan.
    """
    sandbox, watch = SandboxProcess(folder), Stopwatch(say)
    with ExitStack() as stack:
        stack.callback(sandbox.kill)
        sandbox.start()
        place = stack.enter_context(PLACES[plan.database](folder))
        port = _kept_port(folder)
        proxy = stack.enter_context(Proxy(plan.seed, sandbox.port, {sandbox.api_keys[0]: TENANTS[0]}, port))
        shops = list[ShopProcess]()
        every = _settings(plan, proxy.port, sandbox.api_keys[0], place.url)
        for settings in every:
            shops.append(ShopProcess(settings))
            stack.callback(shops[-1].end)
        _disturb(plan, sandbox, shops, place, proxy, watch)
        served = watch.tell("every order is served")
        with every[0].client() as client:
            left_open = _settle(client)
            watch.tell("nothing is open" if not left_open else "some is left open")
            planted = Planted(client, f"http://127.0.0.1:{sandbox.port}", sandbox.api_keys[0], place.url)
            watch.tell("differences are planted")
            report = _reconciled(client, watch)
            watch.tell("reconciled")
        audit = sandbox.ask("/audit?limit=10000000")["data"]
        books = sandbox.ask("/ledger")
    wrong = [*_wrong_orders(plan, audit), *books["discrepancies"], *left_open, *planted.missed_by(report)]
    faults = Counter(carried.fault for carried in proxy.record if carried.fault)
    figures = {"seed": plan.seed, "orders": plan.orders, "database": plan.database, "seconds": round(served, 1),
               "whole_seconds": round(watch.seconds, 1),
               "requests": len(proxy.record), "share": round(sum(faults.values()) / max(1, len(proxy.record)), 3),
               "sandbox_killed": sandbox.lives - 1, "shops_killed": sum(shop.deaths for shop in shops),
               "database_disturbed": place.disturbances, "planted": len(planted.facts), "matched": report.matched,
               "found": dict(report.counts)}  # fmt: skip
    return figures, wrong


class Stopwatch:
    """Says what happened, and when."""

    def __init__(self, say: Say) -> None:
        self._say, self._began = say, time.monotonic()

    @property
    def seconds(self) -> float:
        """Since the beginning."""
        return time.monotonic() - self._began

    def tell(self, what: str) -> float:
        """Say it; the seconds until now."""
        self._say(f"{self.seconds:7.1f} s  {what}")
        return self.seconds


def _kept_port(folder: Path) -> int:
    """The shops' entries are bound to their base URL: a run that is resumed has that of the one before."""
    kept = folder / "port"
    if not kept.exists():
        kept.write_text(str(free_port()))
    return int(kept.read_text())


def _settings(plan: JournalPlan, port: int, api_key: str, journal: str) -> list[ShopSettings]:
    bounds = [plan.orders * number // plan.shops for number in range(plan.shops + 1)]
    url = f"http://127.0.0.1:{port}"
    return [
        ShopSettings(url, api_key, journal, bounds[number], bounds[number + 1], plan.width)
        for number in range(plan.shops)
    ]


def _disturb(
    plan: JournalPlan,
    sandbox: SandboxProcess,
    shops: list[ShopProcess],
    place: JournalPlace,
    proxy: Proxy,
    watch: Stopwatch,
) -> None:
    """Kill and restart, in turns that the seed decides, until every shop is done."""
    chance, turn, next_word = random.Random(plan.seed), 0, 0.0
    between = plan.orders * _LEAST_ANSWERS / (plan.kills + 1)
    next_kill = between * chance.uniform(0.5, 1)
    while sum(shop.running() for shop in shops):
        now = watch.seconds
        if now > plan.patience:
            raise TimeoutError(f"seed {plan.seed}: orders left after {plan.patience:.0f} s: {_done(proxy)} calls done")
        # By what Molam answered and not by time: on a busy machine what only starts would be killed for ever.
        if _answered(proxy) >= next_kill:
            _kill(turn, chance, sandbox, shops, place)
            turn += 1
            next_kill += between * chance.uniform(0.5, 1.5)
        if now >= next_word:
            next_word = now + _SAY_EVERY
            watch.tell(f"{_done(proxy):6d} of {2 * plan.orders} calls done  {len(proxy.record):7d} requests  sandbox "
                       f"life {sandbox.lives}  shops killed {sum(one.deaths for one in shops)}  "
                       f"database {place.disturbances}")  # fmt: skip
        time.sleep(0.1)


def _answered(proxy: Proxy) -> int:
    return sum(one.status != 0 for one in tuple(proxy.record))


def _done(proxy: Proxy) -> int:
    """Calls that Molam has carried out or declined."""
    record = tuple(proxy.record)
    return sum(one.key != "" and (200 <= one.status < 300 or one.status == 402) and not one.replayed for one in record)


def _kill(
    turn: int, chance: random.Random, sandbox: SandboxProcess, shops: list[ShopProcess], place: JournalPlace
) -> None:
    """By turns a shop, the sandbox and the database."""
    if turn % 3 == 0:
        chance.choice(shops).kill()
    elif turn % 3 == 1:
        sandbox.kill()
        time.sleep(chance.uniform(0, 0.5))
        sandbox.start()
    else:
        place.disturb(chance)


def _settle(client: MolamSyncClient) -> list[str]:
    """Recover until nothing is open; what is open after a minute."""
    left, give_up = list(client.journal.list(open=True)), time.monotonic() + 60
    while left and time.monotonic() < give_up:
        for _ in client.recover(per_second=1000, timeout=5):
            pass
        left = list(client.journal.list(open=True))
        time.sleep(0.2)
    return [f"left open: {entry}" for entry in left]


def _reconciled(client: MolamSyncClient, watch: Stopwatch) -> Reconciliation:
    """Through the same network: it goes on where an error broke it off, as long as it gets on at all."""
    steps = list[ReconciliationStep]()
    give_up, got_on = watch.seconds + _PATIENCE, 0
    while True:
        try:
            resume = steps[-1].resume if steps else None
            report = client.reconcile(
                since=timedelta(days=1), margin=timedelta(0), per_second=1000, progress=steps.append, resume=resume
            )
            return replace(report, differences=tuple(one for step in steps for one in step.found))
        except MolamError:
            if len(steps) > got_on:
                give_up, got_on = watch.seconds + _PATIENCE, len(steps)
                watch.tell(f"{steps[-1].compared} objects compared")
            elif watch.seconds > give_up:
                raise


def _wrong_orders(plan: JournalPlan, audit: list[dict[str, Any]]) -> list[str]:
    """Orders that were not executed once."""
    executed = [row for row in audit if row["executed"] and row["status"] < 300]
    made = Counter(row["order_id"] for row in executed if row["operation"] == "create_payment_intent")
    confirmed = Counter(row["order_id"] for row in executed if row["operation"] == "confirm_payment_intent")
    wrong = []
    for number in range(plan.orders):
        order = f"o{number}"
        due = (1, 0 if number % 20 == 7 else 1)
        if (made[order], confirmed[order]) != due:
            wrong.append(f"{order}: made {made[order]} times, confirmed {confirmed[order]} times, due {due}")
    return wrong
