"""`molam webhooks`: the inbox of webhook events: work on it, look into it, run again, close by hand."""

from __future__ import annotations

import json

import click

from ..receiver.inbox.showing import line_of, page_of, record_of
from ..store.inbox import STATES, InboxState
from .backfill import backfill
from .opened import opened, store_option, table_option
from .receivers import receiver_of

_states = click.option("--state", "states", multiple=True, type=click.Choice(STATES), help="Only these.")
_failed = click.option("--failed", is_flag=True, help="Those that failed or were given up.")


@click.group()
def webhooks() -> None:
    """The inbox of webhook events, where the receiver has process="later"; and events that were missed."""


webhooks.add_command(backfill)


@webhooks.command()
@click.option("--app", required=True, help="Your receiver: module:attribute.")
@click.option("--threads", default=4, show_default=True, type=click.IntRange(1, 256), help="Events at a time.")
@click.option("--once", is_flag=True, help="Run what is due and leave, for cron.")
def work(app: str, threads: int, once: bool) -> None:
    """Run stored events until SIGTERM or Ctrl-C, which let those that run come to their end."""
    worker = receiver_of(app).worker(threads=threads)
    ran = worker.run_until_empty() if once else worker.run_until_signal()
    click.echo(f"{ran} events run")


@webhooks.command("list")
@store_option
@table_option
@_states
@_failed
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1), help="So many at most.")
def list_events(where: str, table: str, states: tuple[InboxState, ...], failed: bool, limit: int) -> None:
    """Print events, the oldest first; all that are not done unless a state is named."""
    with opened(where, table) as store:
        for number, event in enumerate(store.inbox.list(*_named(states, failed))):
            if number == limit:
                click.echo(f"… more: --limit {limit} was reached", err=True)
                break
            click.echo(line_of(event))


@webhooks.command()
@store_option
@table_option
@click.option("--raw", is_flag=True, help="The body as it was sent, with what is secret in it.")
@click.argument("event_id")
def show(where: str, table: str, raw: bool, event_id: str) -> None:
    """Print an event: body, tries, last error with its traceback."""
    with opened(where, table) as store:
        click.echo(page_of(store.inbox.show(event_id), raw=raw))


@webhooks.command()
@store_option
@table_option
@_failed
@click.option("--again", is_flag=True, help="Also events that are done: their handlers run once more.")
@click.argument("event_ids", nargs=-1)
def retry(where: str, table: str, failed: bool, again: bool, event_ids: tuple[str, ...]) -> None:
    """Have events run now: those named, or with --failed all that failed or were given up."""
    if bool(event_ids) == failed:
        raise click.UsageError("name the events, or say --failed")
    with opened(where, table) as store:
        due = store.inbox.retry_failed() if failed else len(event_ids)
        for event_id in event_ids:
            store.inbox.retry(event_id, again=again)
        click.echo(f"{due} events are due now")


@webhooks.command()
@store_option
@table_option
@click.option("--note", required=True, help="What was done about it.")
@click.argument("event_ids", nargs=-1, required=True)
def resolve(where: str, table: str, note: str, event_ids: tuple[str, ...]) -> None:
    """Close events by hand: nothing more is run for them."""
    with opened(where, table) as store:
        for event_id in event_ids:
            store.inbox.resolve(event_id, note)
        click.echo(f"{len(event_ids)} events resolved")


@webhooks.command()
@store_option
@table_option
@_states
@_failed
def export(where: str, table: str, states: tuple[InboxState, ...], failed: bool) -> None:
    """Print events whole, one JSON object a line, bodies as they were sent."""
    with opened(where, table) as store:
        for event in store.inbox.list(*_named(states, failed), bodies=True):
            click.echo(json.dumps(record_of(event)))


def _named(states: tuple[InboxState, ...], failed: bool) -> tuple[InboxState, ...]:
    return (*states, *(state for state in ("failed", "dead") if failed and state not in states))
