"""How a command calls Molam: with the key of the environment, and with a live one only after consent."""

from __future__ import annotations

import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

import click

from .._places import TEST_URLS, is_loopback
from ..config import ClientConfig
from ..exceptions import MolamError
from .told import as_told

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

    from ..client import MolamClient
    from ..sync_client import MolamSyncClient

F = TypeVar("F", bound=Callable[..., object])

_REFUSED, _IN_DOUBT, _INTERRUPTED = 1, 3, 130

json_option = click.option("--json", "as_json", is_flag=True, help="JSON, one object a line.")


live_option = click.option("--live", is_flag=True, help="With a live key, which asks once more.")


def changes(command: F) -> F:
    """The options of a command that changes something: ``live``, ``idempotency_key``."""
    key = click.option("--idempotency-key", metavar="KEY", help="Made for you, and told, where you give none.")
    return live_option(key(command))


@contextmanager
def calling(environment: str | None = None, registry: CollectorRegistry | None = None) -> Iterator[MolamSyncClient]:
    """A client by the environment variables; its errors in the program's own words.

    Exit code 1: nothing was done; 3: it may have been done, `molam resolve` finds out; 130: Ctrl-C.
    """
    from ..sync_client import MolamSyncClient

    try:
        place: dict[str, Any] = {} if environment is None else {"environment": environment}
        with MolamSyncClient(ClientConfig.from_env(**place), registry=registry) as client:
            yield client
    except MolamError as error:
        click.echo(as_told(f"molam: {error}"), err=True)
        sys.exit(_IN_DOUBT if error.money_may_have_moved else _REFUSED)
    except KeyboardInterrupt:
        click.echo("molam: stopped; what was being sent may have been done: see the idempotency key above", err=True)
        sys.exit(_INTERRUPTED)


def consented(client: MolamClient, about: str, *, live: bool, key: str | None) -> str:
    """The idempotency key to send under. ``UsageError`` where a live key is used without consent: ``--live``, and
    ``about`` typed at a terminal."""
    if is_live(client.config):
        if not live:
            raise click.UsageError("this key is live: say --live if you mean to change real money")
        if not has_terminal():
            raise click.UsageError("a live key changes something only where somebody can type the confirmation")
        asked = f"This is a live key. Type {about} to go on"
        if click.prompt(asked, err=True, default="", show_default=False) != about:
            raise click.UsageError("not confirmed: nothing was sent")
    key = key or f"cli-{uuid.uuid4().hex}"
    click.echo(f"idempotency key: {key}", err=True)
    return key


def has_terminal() -> bool:
    """Whether somebody can type."""
    return sys.stdin.isatty()


def is_live(config: ClientConfig) -> bool:
    """Whether a call may touch real money: unless the key, or the place where it goes, is for tests."""
    if isinstance(config.api_key, str):
        return not config.api_key.startswith("sk_test_")
    return config.url not in TEST_URLS and not is_loopback(urlsplit(config.url).hostname or "")
