"""`molam journal work` and `rotate-key`: what was enqueued is made; what is encrypted is encrypted anew."""

import importlib
import sys
from collections.abc import Callable

import click

from .journal import in_one_sentence, opened_journal


@click.command()
@click.option("--threads", default=4, show_default=True, type=click.IntRange(1, 256), help="Operations at a time.")
@click.option("--timeout", type=float, help="Seconds for each.")
@click.option("--on-end", metavar="MODULE:FUNCTION", help="Is given each entry that ended, as client.journal.work's.")
@click.option("--once", is_flag=True, help="Make what is due and leave, for cron.")
@click.pass_obj
def work(source: str, threads: int, timeout: float | None, on_end: str | None, once: bool) -> None:
    """Make what was enqueued, with the API key of the environment, until SIGTERM or Ctrl-C."""
    from ..sync_client import MolamSyncClient

    tell = None if on_end is None else _function(on_end)
    with in_one_sentence(), MolamSyncClient(journal=source) as client:
        worker = client.journal.worker(threads=threads, timeout=timeout, on_end=tell)
        made = worker.run_until_empty() if once else worker.run_until_signal()
    click.echo(f"{made} operations made or told")


@click.command("rotate-key")
@click.pass_obj
def rotate_key(source: str) -> None:
    """Encrypt every entry by the first key of MOLAM_JOURNAL_KEY. Exit code 1 where some are left: run it again."""
    with opened_journal(source) as found:
        done, left = found.rotate_key()
    click.echo(f"{done} encrypted, {left} left, since a call has them")
    if left:
        sys.exit(1)


def _function(path: str) -> Callable[..., object]:
    module, _, name = path.partition(":")
    sys.path.insert(0, "")
    try:
        found = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise click.BadParameter(f"{path}: {error}", param_hint="--on-end") from error
    if not callable(found):
        raise click.BadParameter(f"{path} is no function", param_hint="--on-end")
    return found  # type: ignore[no-any-return]  # a callable of the merchant's
