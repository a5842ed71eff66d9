"""A Django project with a journal on a database of its choice, in a process of its own: tells what came of what.

Django takes its settings once, so each database wants a process.
"""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import django
from django.conf import settings
from django.core.management import call_command

ORDER = {"amount": "100.50", "currency": "USD"}
_ENGINES = {"sqlite": "sqlite3", "postgresql+psycopg": "postgresql", "mysql+pymysql": "mysql"}


def settings_of(url: str) -> dict[str, Any]:
    """Django's settings of a database that SQLAlchemy names so."""
    parts = urlsplit(url)
    options = {name: values[0] for name, values in parse_qs(parts.query).items()}
    return {
        "ENGINE": f"django.db.backends.{_ENGINES[parts.scheme]}",
        "NAME": parts.path if parts.scheme == "sqlite" else parts.path.lstrip("/"),
        "USER": parts.username or "",
        "HOST": parts.hostname or "",
        "PORT": str(parts.port or ""),
        "OPTIONS": options,
    }


def configured(url: str) -> None:
    if url.startswith("mysql"):
        import pymysql

        pymysql.version_info = (2, 2, 4, "final", 0)
        pymysql.install_as_MySQLdb()
    settings.configure(
        SECRET_KEY="only for tests",
        INSTALLED_APPS=["molam_sdk.contrib.django"],
        DATABASES={"default": settings_of(url)},
        MOLAM_CLIENT=f"{__name__}.client",
        USE_TZ=True,
    )
    django.setup()


def client(*script: Any) -> Any:
    """The shop's client; it is asked for by the commands too."""
    from molam_sdk import ClientConfig, MolamClient
    from molam_sdk.contrib.django.store import DjangoStore
    from molam_sdk.testing import ScriptedTransport
    from tests.support.script import OK

    config = ClientConfig(api_key="sk_test_1", environment="sandbox", max_retries=0)
    return MolamClient(config, transport=ScriptedTransport(*script or (OK,)), journal=DjangoStore())


def said(command: str, *arguments: str) -> str:
    written = io.StringIO()
    try:
        call_command("molam_journal", command, *arguments, stdout=written)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return written.getvalue().strip()


def outcome(act: Callable[[], Any]) -> str:
    try:
        return str(act())
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def main(url: str) -> None:
    """Print, as JSON, what became of everything."""
    configured(url)
    shop = client()
    told: dict[str, Any] = {"before migrate": outcome(lambda: pay(shop, "early"))}
    call_command("migrate", verbosity=0)
    told["enqueued"] = enqueued(shop)
    told["worked"] = said("work", "--once")
    told["states"] = states(shop)
    told["in atomic"] = in_atomic()
    told["told"] = told_in_its_transaction()
    told["list"] = said("list").splitlines()
    told["show"] = said("show", "order-1")
    told["commands"] = [
        said("show", "nobody"),
        said("prune", "--older-than", "400d"),
        said("prune", "--older-than", "x"),
    ]
    told["export"] = len(said("export", "--csv").splitlines())
    told["doubt"] = doubt()
    call_command("migrate", "molam_webhooks", "0002", verbosity=0)
    print(json.dumps(told))


def pay(shop: Any, key: str) -> Any:
    return shop.create_payment_intent(ORDER, idempotency_key=key).id


def enqueued(shop: Any) -> list[str]:
    from django.db import transaction

    def enqueue(key: str) -> str:
        return str(shop.journal.enqueue(shop.create_payment_intent, ORDER, idempotency_key=key))

    def rolled_back() -> None:
        with transaction.atomic():
            enqueue("order-2")
            raise KeyError

    outside = outcome(lambda: enqueue("order-0"))
    with transaction.atomic():
        inside = enqueue("order-1")
    return [outside, inside, outcome(rolled_back)]


def states(shop: Any) -> dict[str, str]:
    return {entry.key: entry.state for entry in shop.journal.list()}


def in_atomic() -> list[str]:
    """A call inside of the project's transaction, which is rolled back."""
    from django.db import transaction

    shop, results = client(), []
    try:
        with transaction.atomic():
            results.append(outcome(lambda: pay(shop, "inside")))
            raise KeyError
    except KeyError:
        results.append(states(shop).get("inside", "absent"))
    return results


def told_in_its_transaction() -> list[Any]:
    """What is told of an end writes in the transaction that marks it told."""
    from django.db import transaction

    from molam_sdk.contrib.django.models import ClaimedEvent

    shop, times = client(), []

    def on_end(entry: Any) -> None:
        times.append(entry.state)
        ClaimedEvent.objects.create(
            key="k", event_id="e", event_type="t", created=0, token="t", lease_until=0, touched=0
        )
        if len(times) == 1:
            raise ValueError

    with transaction.atomic():
        shop.journal.enqueue(shop.create_payment_intent, ORDER, idempotency_key="told")
    worker = shop.journal.worker(on_end=on_end)
    worker.run_until_empty()
    after_first = ClaimedEvent.objects.count()
    from molam_sdk.contrib.django.models import JournalEntry

    JournalEntry.objects.filter(due__isnull=False).update(due=0)
    worker.run_until_empty()
    return [times, after_first, ClaimedEvent.objects.count(), JournalEntry.objects.filter(due__isnull=False).count()]


def doubt() -> list[str]:
    """A call in doubt, settled by the command."""
    from tests.support.script import TIMEOUT

    shop = client(TIMEOUT)
    first = outcome(lambda: pay(shop, "doubt")).partition(":")[0]
    return [first, said("list", "--open").split()[0], said("recover").split()[0], states(shop)["doubt"]]


if __name__ == "__main__":
    # Under its own name, which the settings give as the client's.
    from tests.support.webhooks import django_journal

    django_journal.main(sys.argv[1])
