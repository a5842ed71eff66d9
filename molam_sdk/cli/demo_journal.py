"""The demo's last scene: a process is killed in the middle of a payment, and another one finds it in the journal."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import click

from .._environment import PREFIX
from ..journal.showing import as_line

if TYPE_CHECKING:
    from ..config import ClientConfig
    from ..journal import Entry
    from ..sandbox import Sandbox

_ORDER = "A-1002"
_PATIENCE = 20.0
_SHOP = f"""
from molam_sdk import MolamSyncClient

with MolamSyncClient() as client:
    client.create_payment_intent(
        {{"amount": 2500, "currency": "XOF", "metadata": {{"order_id": "{_ORDER}"}}}},
        idempotency_key="{_ORDER}",
        timeout=1,
    )
"""


def kill_and_find(sandbox: "Sandbox", config: "ClientConfig", say: Callable[[str], None]) -> bool:
    """Whether the order of a killed process was found again, and made once."""
    with TemporaryDirectory() as folder:
        journal = str(Path(folder) / "molam.db")
        say("A second shop keeps a journal; its process is killed with -9 while it waits for the answer")
        sandbox.faults.drip_headers(times=1, operation="create_payment_intent")
        _pay_and_die(sandbox, config, journal)
        say("Another process looks into the journal: what is open is asked again, under its own key")
        entry = _recovered(config, journal)
    times = sandbox.ledger.executions(order=_ORDER)
    if entry is not None:
        click.echo(as_line(entry))
    click.echo(f"created for order {_ORDER}: {times} time, by Molam's own ledger")
    return entry is not None and entry.state == "done" and times == 1


def _pay_and_die(sandbox: "Sandbox", config: "ClientConfig", journal: str) -> None:
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(PREFIX)},  # the caller's settings
        "MOLAM_API_KEY": str(config.api_key),
        "MOLAM_BASE_URL": config.url,
        "MOLAM_JOURNAL": journal,
    }
    shop = subprocess.Popen([sys.executable, "-c", _SHOP], env=environment)  # noqa: S603 - our own words only
    give_up = time.monotonic() + _PATIENCE
    while not sandbox.ledger.executions(order=_ORDER) and time.monotonic() < give_up:
        time.sleep(0.02)
    shop.kill()
    shop.wait()


def _recovered(config: "ClientConfig", journal: str) -> "Entry | None":
    """The entry, once the killed process's lease is over and it was asked again."""
    from ..sync_client import MolamSyncClient

    give_up = time.monotonic() + _PATIENCE
    with MolamSyncClient(config, journal=journal) as client:
        while time.monotonic() < give_up:
            for entry in client.recover():
                return entry
            time.sleep(0.1)
    return None
