"""Commands to a running sandbox: watch its events, trigger one, set faults, move its clock."""

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click
import requests

from .told import as_told

DEFAULT_URL = "http://127.0.0.1:8642"
POLL_SECONDS = 0.5

url_option = click.option(
    "--url",
    default=lambda: os.environ.get("MOLAM_SANDBOX_URL", DEFAULT_URL),
    help=f"The sandbox (MOLAM_SANDBOX_URL, else {DEFAULT_URL}).",
)


TOKEN = "MOLAM_SANDBOX_CONTROL_TOKEN"  # noqa: S105  # the name of a variable


def ask(method: str, url: str, path: str, **options: Any) -> Any:
    """The JSON answer of a control path; a ClickException where there is no sandbox or it refuses."""
    with _answer(method, url, path, timeout=30, **options) as answer:
        if not answer.content:
            return None
        try:
            return _Facts(answer.json(), url)
        except (ValueError, TypeError):
            raise _no_sandbox(url) from None


class _Facts(dict[str, Any]):
    """What a sandbox answers; one that lacks what was asked for is none."""

    def __init__(self, found: Any, url: str) -> None:
        super().__init__(found)
        self._url = url

    def __missing__(self, name: str) -> Any:
        raise _no_sandbox(self._url)


def _no_sandbox(url: str) -> click.ClickException:
    return click.ClickException(f"what answers at {url} is no sandbox: start one with `molam sandbox`")


@contextmanager
def _answer(method: str, url: str, path: str, **options: Any) -> Iterator[requests.Response]:
    token = os.environ.get(TOKEN)
    headers = {**({"Molam-Sandbox-Token": token} if token else {}), **options.pop("headers", {})}
    try:
        with requests.Session() as session:
            session.trust_env = False
            answer = session.request(method, f"{url.rstrip('/')}/_sandbox{path}", headers=headers, **options)
            if not answer.ok:
                raise click.ClickException(as_told(f"{answer.status_code}: {_reason(answer)}"))
            yield answer
    except requests.ConnectionError as error:
        raise click.ClickException(f"no sandbox answers at {url} (start one with `molam sandbox`): {error}") from None
    except requests.RequestException as error:
        raise click.ClickException(f"the sandbox at {url} did not answer in time or not in full: {error}") from None


def _reason(answer: requests.Response) -> str:
    try:
        return str(answer.json()["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return answer.reason


@click.group()
def events() -> None:
    """The events of a running sandbox."""


@events.command()
@url_option
@click.option("--type", "event_type", help="Only events of this type.")
@click.option("--all", "from_start", is_flag=True, help="Begin with the first event instead of the next.")
@click.option("--once", is_flag=True, help="Print what there is and leave.")
def tail(url: str, event_type: str | None, from_start: bool, once: bool) -> None:
    """Print every event as one line of JSON, as it happens."""
    after = 0 if from_start or once else _latest(url)
    wanted = {"type": event_type} if event_type else {}
    try:
        while True:
            found = ask("GET", url, "/events", params={"after": after, **wanted})["data"]
            for event in found:
                after = event.pop("seq")
                click.echo(json.dumps(event))
            if not found:
                if once:
                    return
                time.sleep(POLL_SECONDS)
    except KeyboardInterrupt:
        return


def _latest(url: str) -> int:
    return int(ask("GET", url, "/events", params={"limit": 1})["latest"])


@click.group()
def faults() -> None:
    """The faults of a running sandbox."""


@faults.command()
@click.argument("spec")
@url_option
def add(spec: str, url: str) -> None:
    """Add a fault: KIND:NAME=VALUE,… such as drop_after_commit:times=1,operation=create_refund."""
    from ..sandbox.faults.spec import read_fault

    try:
        parts = read_fault(spec)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None
    click.echo(as_told(ask("POST", url, "/faults", json=parts)["id"]))


@faults.command("list")
@url_option
def show(url: str) -> None:
    """Every fault with how often it matched and acted."""
    for fault in ask("GET", url, "/faults")["data"]:
        click.echo(json.dumps({name: value for name, value in fault.items() if value not in (None, {}, False)}))


@faults.command()
@url_option
def clear(url: str) -> None:
    """Remove every fault."""
    ask("DELETE", url, "/faults")


@click.command()
@click.option("--days", type=float, default=0.0)
@click.option("--hours", type=float, default=0.0)
@click.option("--minutes", type=float, default=0.0)
@click.option("--seconds", type=float, default=0.0)
@url_option
def advance(url: str, **step: float) -> None:
    """Move a running sandbox's clock forward; what falls due happens on the way, however long that takes."""
    asked = {"json": step, "headers": {"Accept": "application/x-ndjson"}, "stream": True, "timeout": (5, None)}
    with _answer("POST", url, "/clock/advance", **asked) as answer:
        reached, shown = {}, sys.stderr.isatty()
        for line in answer.iter_lines():
            reached = json.loads(line)
            if shown and "left_seconds" in reached:
                click.echo(f"\r{reached['left_seconds'] / 3600:8.1f} h left", nl=False, err=True)
    if shown:
        click.echo("\r" + " " * 20 + "\r", nl=False, err=True)
    if "now" not in reached:
        raise click.ClickException("the sandbox ended before its clock was there")
    click.echo(reached["now"])
