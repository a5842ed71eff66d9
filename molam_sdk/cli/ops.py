"""`molam ops`: what whoever is on call is given, written out of the package."""

from pathlib import Path

import click

from ..ops import RUNBOOK, files, text_of


@click.group()
def ops() -> None:
    """Alerts, a dashboard, and a shop to try them on."""


@ops.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--runbook", metavar="URL", default=RUNBOOK, show_default=True, help="Where the alerts' links lead.")
@click.option("--force", is_flag=True, help="Replace files that are there.")
def export(folder: Path, runbook: str, *, force: bool) -> None:
    """Write Prometheus' rules, Grafana's dashboard and a compose file into FOLDER."""
    there = [] if force else [file for file in files() if (folder / file).exists()]
    if there:
        raise click.ClickException(f"{folder / there[0]} is there already; --force replaces it")
    for file in files():
        target = folder / file
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text_of(file, runbook), encoding="utf-8")
        click.echo(target)
