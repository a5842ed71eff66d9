"""The Django app's table: its store, its migration, its command."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from molam_sdk.store import Claim
from tests.support.webhooks.deliveries import NOW
from tests.support.webhooks.django_project import configure, migrated
from tests.support.webhooks.running_shops import postgres_schema

ROOT = Path(__file__).parents[3]

configure()

from django.core.management import call_command  # noqa: E402  # after the settings
from django.db import transaction  # noqa: E402

from molam_sdk.contrib.django.models import ClaimedEvent  # noqa: E402
from molam_sdk.contrib.django.store import DjangoStore  # noqa: E402


@pytest.fixture(autouse=True)
def tables() -> Iterator[None]:
    with migrated():
        yield


def test_a_claim_that_is_refused_does_not_spoil_the_callers_transaction() -> None:
    store = DjangoStore()
    store.claim(Claim("evt_1", "payment.succeeded", "a"), NOW, NOW + 60)
    with transaction.atomic():
        assert store.claim(Claim("evt_1", "payment.succeeded", "b"), NOW, NOW + 60).decision == "busy"
        assert ClaimedEvent.objects.count() == 1


def test_the_migration_makes_the_table_that_the_model_describes() -> None:
    call_command("makemigrations", "molam_webhooks", check=True, dry_run=True, verbosity=0)


def test_the_command_forgets_old_events() -> None:
    store = DjangoStore(clock="caller")
    for event_id, handled in (("evt_old", 0.0), ("evt_new", 4e9)):
        claim = Claim(event_id, "payment.succeeded", "a")
        store.claim(claim, handled, handled + 60)
        store.done(claim, handled)
    said = io.StringIO()
    call_command("prune_molam_webhooks", days=30, stdout=said)
    assert said.getvalue() == "1 events forgotten\n"
    assert list(ClaimedEvent.objects.values_list("event_id", flat=True)) == ["evt_new"]


def test_a_store_outside_of_requests_goes_on_after_its_connection_was_terminated() -> None:
    """Django looks at broken connections when a request begins; a worker has none."""
    with postgres_schema() as (_, schema):
        program = [sys.executable, "-m", "tests.support.webhooks.django_postgres", schema]
        ran = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, timeout=100)
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout) == ["run", "busy", "OperationalError", "run"]
