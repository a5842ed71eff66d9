"""``manage.py molam_journal list|show|recover|work|settle|prune|…``: the journal of calls, and its outbox."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import IO, Any, cast

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DEFAULT_DB_ALIAS
from django.utils.module_loading import import_string

from molam_sdk._journalling.blocking.journal import Journal
from molam_sdk.contrib.django.shop_client import CLIENT_SETTING, shop_client, shop_journal
from molam_sdk.exceptions import MolamError
from molam_sdk.journal.showing import COLUMNS, as_cells, as_facts, as_line, as_rows, csv_writer

ON_END = "MOLAM_JOURNAL_ON_END"


class Command(BaseCommand):
    """Looks into the journal, settles what is in doubt, and makes what was enqueued."""

    help = "What was asked of Molam and what became of it; recover what is in doubt, make what was enqueued."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--database", default=DEFAULT_DB_ALIAS, help="the database with the table")
        client = f"dotted path of the shop's client, or of what makes it ({CLIENT_SETTING}; else from the environment)"
        commands = parser.add_subparsers(dest="command", required=True)
        listed = commands.add_parser("list", help="a line for each entry, the open ones first")
        listed.add_argument(
            "--open", action="store_true", default=None, help="what waits, runs, is in doubt or for review"
        )
        show = commands.add_parser("show", help="one entry, without secrets and card numbers")
        show.add_argument("key")
        recover = commands.add_parser("recover", help="settle what is in doubt; exit code 1 if some is left")
        work = commands.add_parser("work", help="make what was enqueued, until SIGTERM or Ctrl-C")
        work.add_argument("--threads", type=int, default=4, help="operations at a time (4)")
        work.add_argument("--once", action="store_true", help="make what is due and leave, for cron")
        work.add_argument(
            "--on-end", default=getattr(settings, ON_END, None), help=f"dotted path, told of ends ({ON_END})"
        )
        for command in (recover, work):
            command.add_argument("--client", default=None, help=client)
        settle = commands.add_parser("settle", help="close an entry by hand, after a review")
        settle.add_argument("key")
        how = settle.add_mutually_exclusive_group(required=True)
        how.add_argument("--done", action="store_true", help="Molam carried it out")
        how.add_argument("--refused", action="store_true", help="it was never carried out")
        settle.add_argument("--note", required=True, help="how you know")
        commands.add_parser("rotate_key", help="encrypt every entry by the first of the keys")
        prune = commands.add_parser("prune", help="forget entries that ended so long ago; open ones stay")
        prune.add_argument("--older-than", required=True, help="such as 400d or 36h; at least a day")
        export = commands.add_parser("export", help="every entry, without bodies, as lines of JSON")
        export.add_argument("--csv", action="store_true", help="comma-separated values with a head")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            getattr(self, f"_{options['command']}")(options)
        except MolamError as error:
            raise CommandError(error.message) from error
        except ImproperlyConfigured as error:
            raise CommandError(str(error)) from error

    def _list(self, options: dict[str, Any]) -> None:
        with _journal(options) as journal:
            for entry in journal.list(open=options["open"]):
                self.stdout.write(as_line(entry))

    def _show(self, options: dict[str, Any]) -> None:
        with _journal(options) as journal:
            entry = journal.get(options["key"])
        if entry is None:
            raise CommandError(f"the journal has no key {options['key']!r}")
        for line in as_rows(as_facts(entry)):
            self.stdout.write(line)

    def _recover(self, options: dict[str, Any]) -> None:
        in_doubt = 0
        for entry in shop_client(options["client"], options["database"]).recover():
            self.stdout.write(as_line(entry))
            in_doubt += entry.state in ("open", "review")
        if in_doubt:
            raise CommandError(f"{in_doubt} entries are still in doubt", returncode=1)

    def _work(self, options: dict[str, Any]) -> None:
        on_end: Callable[..., object] | None = options["on_end"] and _imported(options["on_end"])
        worker = shop_client(options["client"], options["database"]).journal.worker(
            threads=options["threads"], on_end=on_end
        )
        made = worker.run_until_empty() if options["once"] else worker.run_until_signal()
        self.stdout.write(f"{made} operations made or told")

    def _settle(self, options: dict[str, Any]) -> None:
        with _journal(options) as journal:
            self.stdout.write(as_line(journal.settle(options["key"], done=options["done"], note=options["note"])))

    def _rotate_key(self, options: dict[str, Any]) -> None:
        with _journal(options) as journal:
            done, left = journal.rotate_key()
        self.stdout.write(f"{done} encrypted, {left} left, since a call has them")

    def _prune(self, options: dict[str, Any]) -> None:
        found = re.fullmatch(r"([0-9]{1,6})([hd])", options["older_than"].strip())
        if found is None:
            raise CommandError(
                f"--older-than must be hours or days, such as 36h or 400d, not {options['older_than']!r}"
            )
        age = timedelta(**{{"h": "hours", "d": "days"}[found[2]]: int(found[1])})
        with _journal(options) as journal:
            self.stdout.write(f"{journal.prune(older_than=age)} forgotten")

    def _export(self, options: dict[str, Any]) -> None:
        write = csv_writer(cast("IO[str]", self.stdout))
        if options["csv"]:
            write(COLUMNS)
        with _journal(options) as journal:
            for cells in map(as_cells, journal.list()):
                if options["csv"]:
                    write([cells[name] for name in COLUMNS])
                else:
                    self.stdout.write(json.dumps(cells))


def _journal(options: dict[str, Any]) -> AbstractContextManager[Journal]:
    return shop_journal(options["database"])


def _imported(path: str) -> Any:
    try:
        return import_string(path)
    except ImportError as error:
        raise CommandError(f"{path} names nothing: {error}") from error
