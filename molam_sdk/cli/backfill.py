"""`molam webhooks backfill`: run the webhook events that were missed."""

from __future__ import annotations

import sys
from functools import partial
from typing import Any

import click

from .._duration import duration_of
from ..exceptions import MolamError
from ..receiver.backfill.told import Narrator, advice_of, how_far, since_of
from .opened import told
from .receivers import receiver_of

_LEFT = 1
_INTERRUPTED = 130


@click.command()
@click.option("--app", required=True, help="Your receiver: module:attribute.")
@click.option("--since", required=True, help="24h, 7d, or a date such as 2026-11-20T08:00Z.")
@click.option("--reach", default="7d", show_default=True, help="Objects made so long before may have changed since.")
@click.option("--per-second", default=20.0, show_default=True, help="Events and pages, at most.")
@click.option("--resume", help="The mark that an earlier run ended with.")
@click.option("--include-unremembered", is_flag=True, help="Also what was made before the store remembers.")
def backfill(app: str, since: str, reach: str, **options: Any) -> None:
    """Run the events that were missed, made from what Molam lists; each once, whatever came or comes.

    With the API key of the environment. Exit code: 0 everything was run, 1 something is left, 130 after Ctrl-C.
    """
    from ..sync_client import MolamSyncClient

    receiver, tell = receiver_of(app), Narrator(partial(click.echo, err=True))
    try:
        with told(), MolamSyncClient() as client:
            options |= {"since": since_of(since), "reach": duration_of(reach), "progress": tell}
            ended = receiver.backfill(client, **options)
    except (MolamError, click.ClickException) as problem:
        click.echo(tell.broke_off(), err=True)
        raise click.ClickException(problem.message) from None
    except KeyboardInterrupt:
        click.echo(tell.broke_off(), err=True)
        sys.exit(_INTERRUPTED)
    click.echo(how_far(ended))
    for line in advice_of(ended):
        click.echo(line, err=True)
    if advice_of(ended):
        sys.exit(_LEFT)
