"""``manage.py molam_webhooks work|backfill|list|show|retry|resolve|export|prune``: webhook events and their inbox."""

from __future__ import annotations

import json
import time
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DEFAULT_DB_ALIAS
from django.urls import get_resolver
from django.utils.module_loading import import_string

from molam_sdk._duration import duration_of
from molam_sdk.contrib.django.store import DjangoStore
from molam_sdk.contrib.django.views import known_receivers
from molam_sdk.exceptions import MolamError
from molam_sdk.receiver import WebhookReceiver
from molam_sdk.receiver.backfill.told import Narrator, advice_of, how_far, since_of
from molam_sdk.receiver.inbox.showing import line_of, page_of, record_of
from molam_sdk.store.inbox import STATES, Inbox, UnknownEventError
from molam_sdk.sync_client import MolamSyncClient

_SETTING = "MOLAM_WEBHOOK_RECEIVER"


class Command(BaseCommand):
    """Works on the inbox and looks into it."""

    help = "Work on the inbox of Molam's webhook events, look into it, run events again or close them by hand."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--database", default=DEFAULT_DB_ALIAS, help="the database with the table")
        commands = parser.add_subparsers(dest="command", required=True)
        work = commands.add_parser("work", help="run stored events until SIGTERM or Ctrl-C")
        backfill = commands.add_parser("backfill", help="run the events that were missed, by what Molam lists")
        for each in (work, backfill):
            each.add_argument("--receiver", default=getattr(settings, _SETTING, None), help=f"dotted path ({_SETTING})")
        backfill.add_argument("--since", required=True, help="24h, 7d, or a date such as 2026-11-20T08:00Z")
        backfill.add_argument("--reach", default="7d", help="objects made so long before may have changed since (7d)")
        backfill.add_argument("--per-second", type=float, default=20.0, help="events and pages, at most (20)")
        backfill.add_argument("--resume", help="the mark that an earlier run ended with")
        backfill.add_argument(
            "--include-unremembered", action="store_true", help="also what was made before the store remembers"
        )
        prune = commands.add_parser("prune", help="forget events that were handled long ago")
        prune.add_argument("--days", type=float, default=30.0, help="keep events of so many days (30)")
        work.add_argument("--threads", type=int, default=4, help="events at a time (4)")
        work.add_argument("--once", action="store_true", help="run what is due and leave, for cron")
        for name, told in (("list", "a line for each event"), ("export", "each event whole, as a line of JSON")):
            command = commands.add_parser(name, help=told)
            command.add_argument("--state", action="append", choices=STATES, default=[], help="only these")
            command.add_argument("--failed", action="store_true", help="those that failed or were given up")
        show = commands.add_parser("show", help="everything there is of an event")
        show.add_argument("event_id")
        show.add_argument("--raw", action="store_true", help="with what is secret in its body")
        retry = commands.add_parser("retry", help="have events run now")
        retry.add_argument("event_ids", nargs="*")
        retry.add_argument("--failed", action="store_true", help="all that failed or were given up")
        retry.add_argument("--again", action="store_true", help="also events that are done")
        resolve = commands.add_parser("resolve", help="close events by hand")
        resolve.add_argument("event_ids", nargs="+")
        resolve.add_argument("--note", required=True, help="what was done about it")

    def handle(self, *args: Any, **options: Any) -> None:
        inbox = DjangoStore(options["database"]).inbox
        try:
            getattr(self, f"_{options['command']}")(inbox, options)
        except (UnknownEventError, ValueError) as error:
            raise CommandError(str(error)) from error

    def _work(self, inbox: Inbox, options: dict[str, Any]) -> None:
        worker = _receiver(options["receiver"]).worker(threads=options["threads"])
        ran = worker.run_until_empty() if options["once"] else worker.run_until_signal()
        self.stdout.write(f"{ran} events run")

    def _backfill(self, inbox: Inbox, options: dict[str, Any]) -> None:
        tell = Narrator(self.stderr.write)
        asked = {name: options[name] for name in ("per_second", "include_unremembered", "resume")}
        asked |= {"since": since_of(options["since"]), "reach": duration_of(options["reach"]), "progress": tell}
        try:
            with MolamSyncClient() as client:
                ended = _receiver(options["receiver"]).backfill(client, **asked)
        except BaseException as problem:
            self.stderr.write(tell.broke_off())
            if isinstance(problem, MolamError):
                raise CommandError(problem.message) from problem
            raise
        self.stdout.write(how_far(ended))
        advice = advice_of(ended)
        if advice:
            raise CommandError("; ".join(advice), returncode=1)

    def _prune(self, inbox: Inbox, options: dict[str, Any]) -> None:
        forgotten = DjangoStore(options["database"]).prune(time.time() - options["days"] * 86_400)
        self.stdout.write(f"{forgotten} events forgotten")

    def _list(self, inbox: Inbox, options: dict[str, Any]) -> None:
        for event in inbox.list(*_states(options)):
            self.stdout.write(line_of(event))

    def _export(self, inbox: Inbox, options: dict[str, Any]) -> None:
        for event in inbox.list(*_states(options), bodies=True):
            self.stdout.write(json.dumps(record_of(event)))

    def _show(self, inbox: Inbox, options: dict[str, Any]) -> None:
        self.stdout.write(page_of(inbox.show(options["event_id"]), raw=options["raw"]))

    def _retry(self, inbox: Inbox, options: dict[str, Any]) -> None:
        if bool(options["event_ids"]) == options["failed"]:
            raise CommandError("name the events, or say --failed")
        due = inbox.retry_failed() if options["failed"] else len(options["event_ids"])
        for event_id in options["event_ids"]:
            inbox.retry(event_id, again=options["again"])
        self.stdout.write(f"{due} events are due now")

    def _resolve(self, inbox: Inbox, options: dict[str, Any]) -> None:
        for event_id in options["event_ids"]:
            inbox.resolve(event_id, options["note"])
        self.stdout.write(f"{len(options['event_ids'])} events resolved")


def _states(options: dict[str, Any]) -> list[Any]:
    return [*options["state"], *(("failed", "dead") if options["failed"] else ())]


def _receiver(path: str | None) -> WebhookReceiver:
    """The receiver by its dotted path, else the one whose view is in the project's URLs."""
    if path is None:
        return _the_only_receiver()
    try:
        found = import_string(path)
    except ImportError as error:
        raise CommandError(f"{path} names no receiver: {error}") from error
    if not isinstance(found, WebhookReceiver):
        raise CommandError(f"{path} is a {type(found).__name__}, no WebhookReceiver")
    return found


def _the_only_receiver() -> WebhookReceiver:
    _ = get_resolver().url_patterns  # loads the views, which name their receivers
    found = list(known_receivers)
    if len(found) != 1:
        raise CommandError(
            f"{len(found)} receivers are in the project's URLs: name one by --receiver shop.webhooks.receiver, "
            f"or {_SETTING} in the settings"
        )
    return found[0]
