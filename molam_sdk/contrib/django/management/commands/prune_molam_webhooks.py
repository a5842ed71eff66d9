"""``manage.py prune_molam_webhooks``: the name that ``molam_webhooks prune`` had in 0.1, for crontabs."""

from __future__ import annotations

from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandParser
from django.db import DEFAULT_DB_ALIAS


class Command(BaseCommand):
    """Deletes old claims; the receiver does so by itself, about once an hour."""

    help = "Forget Molam webhook events that were handled long ago: molam_webhooks prune."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--days", type=float, default=30.0, help="keep events of so many days (30)")
        parser.add_argument("--database", default=DEFAULT_DB_ALIAS, help="the database with the table")

    def handle(self, *args: Any, **options: Any) -> None:
        chosen = ["--database", options["database"], "prune", "--days", str(options["days"])]
        call_command("molam_webhooks", *chosen, stdout=self.stdout)
