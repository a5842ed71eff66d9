"""`molam journal`: what was asked under which key, and what became of it; settles what was left in doubt."""

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import IO, TYPE_CHECKING, TypeVar

import click

from .._duration import duration_of
from ..exceptions import MolamError
from ..journal.showing import COLUMNS, as_cells, as_facts, as_line, as_rows, csv_writer
from .told import as_told

if TYPE_CHECKING:
    from .._journalling.blocking.journal import Journal

F = TypeVar("F", bound=Callable[..., object])

_LEFT_OPEN = 1
_INTERRUPTED = 130


@click.group()
@click.option("--journal", "source", help="The journal's file or URL (else MOLAM_JOURNAL).")
@click.pass_context
def journal(context: click.Context, source: str | None) -> None:
    """What was asked under which key, and what became of it."""
    context.obj = source or os.environ.get("MOLAM_JOURNAL", "").strip()
    if not context.obj:
        raise click.UsageError("name the journal: --journal molam.db, or MOLAM_JOURNAL")
    path = context.obj.removeprefix("sqlite:///")
    if "://" not in path and not Path(path).exists():
        raise click.ClickException(f"there is no journal in {path}")


@journal.command("list")
@click.option("--open/--ended", "open_", default=None, help="What is running, in doubt or for review; or the rest.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per entry.")
@click.pass_obj
def list_entries(source: str, open_: bool | None, as_json: bool) -> None:
    """Every entry, the open ones first, then by their first use."""
    with opened_journal(source) as found:
        for entry in found.list(open=open_):
            click.echo(json.dumps(as_cells(entry)) if as_json else as_line(entry))


@journal.command()
@click.argument("key")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.pass_obj
def show(source: str, key: str, as_json: bool) -> None:
    """One entry, its body and answer without secrets and card numbers. Exit code 1 where there is none."""
    with opened_journal(source) as found:
        entry = found.get(key)
    if entry is None:
        raise click.ClickException(f"the journal has no key {key!r}")
    facts = as_facts(entry)
    if as_json:
        click.echo(json.dumps(facts))
        return
    for line in as_rows(facts):
        click.echo(line)


@journal.command()
@click.option("--per-second", type=float, default=10.0, show_default=True, help="How many are asked for at most.")
@click.option("--timeout", type=float, default=60.0, show_default=True, help="Seconds for each.")
@click.option("--same-account", is_flag=True, help="Entries of another API key too: only the key was replaced.")
@click.pass_obj
def recover(source: str, per_second: float, timeout: float, same_account: bool) -> None:
    """Settle what any worker left in doubt, with the API key of the environment.

    Exit code: 0 nothing is left in doubt, 1 something is, 130 after Ctrl-C; run it again, and it goes on.
    """
    from ..sync_client import MolamSyncClient

    in_doubt = False
    with in_one_sentence(), MolamSyncClient(journal=source) as client:
        try:
            for entry in client.recover(per_second=per_second, timeout=timeout, same_account=same_account):
                click.echo(as_line(entry))
                in_doubt = in_doubt or entry.state in ("open", "review")
        except KeyboardInterrupt:
            click.echo("stopped: what was not settled stays open", err=True)
            sys.exit(_INTERRUPTED)
    if in_doubt:
        sys.exit(_LEFT_OPEN)


@journal.command()
@click.argument("key")
@click.option("--done/--refused", default=None, help="Whether Molam carried it out; say which.")
@click.option("--note", required=True, help="How you know.")
@click.pass_obj
def settle(source: str, key: str, done: bool | None, note: str) -> None:
    """Close an entry by hand, after a review."""
    if done is None:
        raise click.UsageError("say --done or --refused")
    with opened_journal(source) as found:
        click.echo(as_line(found.settle(key, done=done, note=note)))


@journal.command()
@click.option("--csv", "as_csv", is_flag=True, help="Comma-separated values with a head, instead of JSON lines.")
@click.option("--output", type=click.File("w", encoding="utf-8", lazy=True), default="-", help="A file, else stdout.")
@click.pass_obj
def export(source: str, as_csv: bool, output: IO[str]) -> None:
    """Every entry, without bodies, for accounts and audits."""
    with opened_journal(source) as found:
        cells = (as_cells(entry) for entry in found.list())
        if as_csv:
            write = csv_writer(output)
            write(COLUMNS)
            for row in cells:
                write([row[name] for name in COLUMNS])
        else:
            for row in cells:
                output.write(json.dumps(row) + "\n")


@journal.command()
@click.option("--older-than", required=True, help="Such as 400d or 36h; at least a day.")
@click.pass_obj
def prune(source: str, older_than: str) -> None:
    """Forget entries that ended so long ago; open ones stay. Their keys bind no longer."""
    with opened_journal(source) as found:
        click.echo(f"{found.prune(older_than=duration(older_than, '--older-than'))} forgotten")


@contextmanager
def opened_journal(source: str) -> "Iterator[Journal]":
    """The journal alone: no API key is needed to look at it."""
    from .._journalling.looking import journal_alone

    with in_one_sentence(), journal_alone(source) as found:
        yield found


@contextmanager
def in_one_sentence() -> Iterator[None]:
    """Errors of the SDK as the program's own words."""
    try:
        yield
    except MolamError as error:
        raise click.ClickException(as_told(error.message)) from None


def duration(text: str, option: str) -> timedelta:
    """A time such as 36h; a usage error that names the option otherwise."""
    try:
        return duration_of(text)
    except ValueError:
        raise click.BadParameter(
            f"must be hours or days, such as 36h or 400d, not {text!r}", param_hint=option
        ) from None
