"""`molam snapshot` and `molam reset`: all that a running sandbox holds, kept in a file, put back, or begun anew."""

import base64
import os
from pathlib import Path

import click

from .control import ask, url_option


@click.group()
def snapshot() -> None:
    """All that a running sandbox holds, in a file: payments, ledger, keys, endpoints, requests, the clock."""


@snapshot.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@url_option
def save(file: Path, url: str) -> None:
    """Keep it in FILE, for its owner's eyes alone: keys and webhook secrets are in it."""
    data = base64.b64decode(ask("GET", url, "/snapshot")["snapshot"])
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as opened:
        opened.write(data)


@snapshot.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@url_option
def restore(file: Path, url: str) -> None:
    """Put back what FILE holds, in place of all that the sandbox has."""
    ask("POST", url, "/snapshot", json={"snapshot": base64.b64encode(file.read_bytes()).decode()})


@click.command()
@url_option
def reset(url: str) -> None:
    """Have a running sandbox begin anew: nothing there, no faults, the clock at real time."""
    ask("POST", url, "/reset", json={})
