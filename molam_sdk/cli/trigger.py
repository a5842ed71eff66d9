"""`molam trigger`: an event sent by a running sandbox, or signed here and posted to a shop without any."""

import json
from pathlib import Path
from typing import Any

import click

from ..receiver.event_types import check_types
from ..webhooks import EnvironmentSecrets
from .control import ask, url_option
from .told import as_told

_SIGN_WITH = "Sign with this; others on this machine can read a command line: better MOLAM_WEBHOOK_SECRET_<KID>."


@click.command()
@click.argument("event_type")
@click.option("--data", default=None, help="The event's data as a JSON object.")
@click.option("--to", "shop", metavar="URL", help="Post it there, signed here: no sandbox is wanted.")
@click.option("--secret", metavar="SECRET", help=_SIGN_WITH)
@click.option("--secret-file", metavar="FILE", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--kid", default="v1", show_default=True, help="The key id to sign under.")
@url_option
def trigger(
    event_type: str,
    *,
    data: str | None,
    shop: str | None,
    secret: str | None,
    secret_file: Path | None,
    kid: str,
    url: str,
) -> None:
    """Send an event, payment.succeeded for instance, that no payment stands behind."""
    fields = _fields(data)
    if shop is not None:
        if fields is None:
            _check_type(event_type)
        _send(event_type, fields or {}, shop, _secret(secret, secret_file, kid), kid)
        return
    if secret or secret_file:
        raise click.UsageError("--secret and --secret-file go with --to; a sandbox signs with its own")
    given = {} if fields is None else {"data": fields}
    click.echo(as_told(ask("POST", url, "/events", json={"type": event_type, **given})["id"]))


def _check_type(event_type: str) -> None:
    """A usage error for a misspelt type; a new one of Molam's comes with data, which nothing here could make up."""
    try:
        check_types([event_type], unknown_types=False)
    except ValueError as error:
        said = str(error).partition(";")[0]
        raise click.UsageError(f"{said}; one that this version does not know wants --data") from None


def _fields(data: str | None) -> dict[str, Any] | None:
    if data is None:
        return None
    try:
        fields = json.loads(data)
    except ValueError as error:
        raise click.BadParameter(f"not JSON: {error}", param_hint="--data") from None
    if not isinstance(fields, dict):
        raise click.BadParameter("it must be a JSON object", param_hint="--data")
    return fields


def _secret(secret: str | None, file: Path | None, kid: str) -> str:
    if secret and file:
        raise click.UsageError("--secret or --secret-file, not both")
    found = secret or (file.read_text(encoding="utf-8").strip() if file else next(iter(EnvironmentSecrets()(kid)), ""))
    if not found:
        raise click.UsageError(f"no secret to sign with: set MOLAM_WEBHOOK_SECRET_{kid.upper()}, or give --secret-file")
    return str(found)


def _send(event_type: str, fields: dict[str, Any], shop: str, secret: str, kid: str) -> None:
    from .._webhook_samples import signed_event
    from .forward import forward

    sample = signed_event(event_type, secret=secret, kid=kid, data=fields)
    answer = forward(shop, sample.body, sample.headers)
    click.echo(f"{event_type} {sample.event.id}  {answer}")
    if not answer.taken:
        raise click.ClickException("the shop did not take it")
