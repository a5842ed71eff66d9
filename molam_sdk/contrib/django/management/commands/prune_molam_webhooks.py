"""``manage.py prune_molam_webhooks``: forget webhook events that can no longer come again."""

from __future__ import annotations

import time
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import DEFAULT_DB_ALIAS

from molam_sdk.contrib.django.store import DjangoStore


class Command(BaseCommand):
    """Deletes old claims; the receiver does so by itself, about once an hour."""

    help = "Forget Molam webhook events that were handled long ago."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--days", type=float, default=30.0, help="keep events of so many days (30)")
        parser.add_argument("--database", default=DEFAULT_DB_ALIAS, help="the database with the table")

    def handle(self, *args: Any, **options: Any) -> None:
        before = time.time() - options["days"] * 86_400
        forgotten = DjangoStore(options["database"]).prune(before)
        self.stdout.write(f"{forgotten} events forgotten")
