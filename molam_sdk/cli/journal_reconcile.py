"""`molam journal reconcile`: Molam's lists against the journal, a line for each difference."""

import json
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from ..journal.showing import csv_writer
from ..redaction import escape_unseen, redact_text
from .journal import duration, in_one_sentence

if TYPE_CHECKING:
    from ..journal import Difference, Reconciliation, ReconciliationStep

_DIFFERS = 1
_INTERRUPTED = 130
_COLUMNS = ("kind", "object", "object_id", "key", "here", "there", "created_at")


@click.command()
@click.option("--since", required=True, help="So long ago, such as 24h or 7d.")
@click.option("--margin", default="5m", show_default=True, help="What is younger is left to the next time.")
@click.option("--json", "form", flag_value="json", help="One JSON object per difference, then the report.")
@click.option("--csv", "form", flag_value="csv", help="Comma-separated values with a head.")
@click.option("--resume", help="Go on where another run stopped: what it printed.")
@click.option("--per-second", type=float, default=10.0, show_default=True, help="How many requests at most.")
@click.option("--timeout", type=float, default=60.0, show_default=True, help="Seconds for each.")
@click.option("--same-account", is_flag=True, help="Entries of another API key too: only the key was replaced.")
@click.pass_obj
def reconcile(
    source: str,
    *,
    since: str,
    margin: str,
    form: str | None,
    resume: str | None,
    per_second: float,
    timeout: float,
    same_account: bool,
) -> None:
    """Compare Molam's payments, refunds and payouts with the journal, with the API key of the environment.

    Exit code: 0 nothing differs, 1 something does, 130 after Ctrl-C; what --resume takes is printed then.
    """
    from ..sync_client import MolamSyncClient

    show, steps = _shower(form), list[str]()

    def progress(step: "ReconciliationStep") -> None:
        for difference in step.found:
            show(difference)
        steps[:] = [step.resume]

    with in_one_sentence(), MolamSyncClient(journal=source) as client:
        try:
            report = client.reconcile(
                since=duration(since, "--since"),
                margin=duration(margin, "--margin"),
                progress=progress,
                resume=resume,
                per_second=per_second,
                timeout=timeout,
                same_account=same_account,
            )
        except BaseException as error:
            if steps:
                click.echo(f"stopped; go on with --resume {steps[0]}", err=True)
            if isinstance(error, KeyboardInterrupt):
                sys.exit(_INTERRUPTED)
            raise
    _conclude(report, form)


def _shower(form: str | None) -> "Callable[[Difference], object]":
    if form == "json":
        return lambda difference: click.echo(json.dumps(difference.to_dict()))
    if form == "csv":
        write = csv_writer(sys.stdout)
        write(_COLUMNS)
        return lambda difference: write(difference.to_dict()[name] for name in _COLUMNS)
    return lambda difference: click.echo(_line(difference))


def _line(difference: "Difference") -> str:
    sides = f"here {difference.here or '-'}, there {difference.there or '-'}"
    line = f"{difference.kind:<10}  {difference.object:<14}  {difference.object_id}  {difference.key or '-'}  {sides}"
    return escape_unseen(redact_text(line))


def _conclude(report: "Reconciliation", form: str | None) -> None:
    if form == "json":
        click.echo(json.dumps(report.to_dict() | {"differences": None}))
    counts = ", ".join(f"{count} {kind}" for kind, count in report.counts.items())
    click.echo(f"{report.matched} matched, {counts}; {report.in_doubt} in doubt", err=True)
    if report.in_doubt:
        click.echo("what is in doubt here may be only_there: run molam journal recover before", err=True)
    if not report.clean:
        sys.exit(_DIFFERS)
