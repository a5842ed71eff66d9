"""The test of a file stands where the file stands: ``_core/rules.py`` has ``tests/core/test_rules.py``."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

import molam_sdk

pytestmark = pytest.mark.slow

PACKAGE: Final = Path(molam_sdk.__file__).parent
TESTS: Final = Path(__file__).parents[1]
SHORT: Final = 60

# What is tested through something else, and where.
HELD_BY: Final = {
    "_api_key.py": "clients/test_key_sources.py",
    "_aside.py": "clients/hostile/test_api_key_callables.py",
    "_client_state.py": "clients/test_views.py",
    "_core/reading.py": "core/test_call.py",
    "_core/record.py": "core/test_call_facts.py",
    "_environment.py": "test_config.py",
    "_error_facts.py": "exceptions/test_travel.py",
    "_interruption.py": "clients/hostile/test_time_limits.py",
    "_journalling/awaited/journal.py": "journalling/test_recovery.py",
    "_journalling/blocking/journal.py": "journalling/test_recovery.py",
    "_journalling/ends.py": "journalling/test_calls.py",
    "_journalling/awaited/work.py": "journalling/test_outbox.py",
    "_journalling/making.py": "journalling/test_outbox.py",
    "_journalling/awaited/undoing.py": "journalling/test_undo.py",
    "_journalling/blocking/undoing.py": "journalling/test_undo.py",
    "_journalling/standing.py": "journalling/test_reconciling.py",
    "_molam_error.py": "exceptions/test_travel.py",
    "_json_safe.py": "exceptions/test_travel.py",
    "_resolving.py": "clients/test_doubts.py",
    "contrib/celery_journal.py": "contrib/celery/test_celery_journal.py",
    "contrib/celery.py": "contrib/celery/test_task.py",
    "_params.py": "test_types.py",
    "_places.py": "test_config.py",
    "_pybreaker.py": "contracts/test_pybreaker.py",
    "_setting_checks.py": "test_config.py",
    "_transport/awaited/route.py": "clients/hostile/test_outcomes.py",
    "_transport/awaited/transport.py": "clients/hostile/test_outcomes.py",
    "_transport/blocking/bulkhead.py": "clients/hostile/test_bulkhead.py",
    "_transport/blocking/route.py": "clients/hostile/test_outcomes.py",
    "_transport/blocking/transport.py": "clients/hostile/test_outcomes.py",
    "_transport/failures.py": "transport/test_unforeseen.py",
    "_worker.py": "receiver/inbox/test_worker.py",
    "async_client.py": "architecture/test_parity.py",
    "cli/called.py": "cli/test_doctor_broken.py",
    "cli/beside.py": "cli/test_doctor_broken.py",
    "cli/reached.py": "cli/test_doctor_broken.py",
    "cli/calling.py": "cli/test_objects.py",
    "cli/checks.py": "cli/test_doctor.py",
    "cli/demo_journal.py": "cli/test_demo.py",
    "cli/receiver.py": "cli/test_demo.py",
    "journal/memory.py": "journal/test_stores.py",
    "journal/showing.py": "cli/test_journal.py",
    "journal/reconciliation.py": "journalling/test_reconciling.py",
    "journal/seam.py": "journal/test_stores.py",
    "journal/undoing.py": "journalling/test_undo.py",
    "contrib/django/database.py": "contrib/django/test_store.py",
    "contrib/django/management/commands/molam_journal.py": "contrib/django/test_journal.py",
    "contrib/django/migrations/0003_journal.py": "contrib/django/test_journal.py",
    "contrib/django/models.py": "contrib/django/test_store.py",
    "contrib/django/management/commands/molam_webhooks.py": "contrib/django/test_molam_webhooks.py",
    "ops/shop.py": "ops/test_outages.py",
    "plain_async_client.py": "test_client.py",
    "receiver/awaited/execution.py": "receiver/test_plan.py",
    "receiver/missed.py": "receiver/test_backfilling.py",
    "receiver/inbox/metrics.py": "receiver/inbox/test_worker.py",
    "receiver/inbox/one_event.py": "receiver/inbox/test_worker.py",
    "redaction/assigned.py": "redaction/test_text.py",
    "redaction/forms.py": "redaction/test_text.py",
    "redaction/shapes.py": "redaction/test_text.py",
    "redaction/values.py": "redaction/test_text.py",
    "sandbox/contract/schemas.py": "sandbox/contract/test_openapi.py",
    "sandbox/contract/values.py": "sandbox/contract/test_bodies.py",
    "sandbox/domain/clock.py": "sandbox/control/test_snapshots.py",
    "pytest_plugin.py": "sandbox/test_plugin.py",
    "sandbox/domain/disputes.py": "sandbox/operations/test_disputes.py",
    "sandbox/faults/met.py": "sandbox/faults/test_faults.py",
    "sandbox/http/telling.py": "sandbox/store/test_request_log.py",
    "sandbox/store/schema_steps.py": "sandbox/store/test_migrations.py",
    "sandbox/domain/payment_intents.py": "sandbox/operations/test_payment_intents.py",
    "sandbox/operations/served.py": "sandbox/operations/test_payouts.py",
    "sandbox/http/running.py": "sandbox/test_stop.py",
    "sandbox/store/recording.py": "sandbox/store/test_ledger.py",
    "sandbox/store/tables.py": "sandbox/store/test_migrations.py",
    "sandbox/store/transaction.py": "sandbox/store/test_ledger.py",
    "store/entries.py": "journal/test_stores.py",
    "store/entry_rows.py": "journal/test_stores.py",
    "store/entry_objects.py": "journal/test_entry_objects.py",
    "secrets/remote.py": "secrets/test_vault.py",
    "store/database/async_alchemy.py": "journalling/test_async_engine.py",
    "secrets/tally.py": "secrets/test_metrics.py",
    "store/database/dialects.py": "store/database/test_seam.py",
    "store/events.py": "store/test_stores.py",
    "store/inbox_event.py": "store/test_inbox.py",
    "store/memory.py": "store/test_stores.py",
    "store/opening.py": "cli/test_webhooks.py",
    "sync_client.py": "test_client.py",
    "testing.py": "test_base_client.py",
    "store/database/transactions.py": "store/database/test_seam.py",
    "receiver/handler_calls.py": "receiver/test_async_stores.py",
    "receiver/inbox/async_worker.py": "receiver/inbox/test_async_inbox.py",
    "receiver/pruning.py": "receiver/test_serving.py",
    "store/async_store.py": "receiver/test_async_stores.py",
    "_greenlets.py": "contracts/test_sqlalchemy.py",
}


def _modules() -> list[str]:
    """The files that are long enough to have tests of their own."""
    files = (path for path in sorted(PACKAGE.rglob("*.py")) if path.name not in ("__init__.py", "__main__.py"))
    long = (path for path in files if len(path.read_text(encoding="utf-8").splitlines()) > SHORT)
    return [path.relative_to(PACKAGE).as_posix() for path in long]


def _namesakes(module: str) -> list[Path]:
    """Where its tests may stand; those of an awaited and a blocking half may stand together, beside both folders."""
    *folders, file = (part.lstrip("_") for part in module.split("/"))
    together = [folder for folder in folders if folder not in ("awaited", "blocking")]
    return [TESTS.joinpath(*each, f"test_{file}") for each in (folders, together)]


@pytest.mark.parametrize("module", _modules())
def test_a_file_has_its_tests_where_one_looks_for_them(module: str) -> None:
    if module in HELD_BY:
        assert not any(path.exists() for path in _namesakes(module)), f"{module} has a namesake: strike its row"
        assert (TESTS / HELD_BY[module]).exists()
        return
    wanted = " or ".join(path.relative_to(TESTS.parent).as_posix() for path in dict.fromkeys(_namesakes(module)))
    assert any(path.exists() for path in _namesakes(module)), f"{module} has no {wanted}, and no row in HELD_BY"


def test_every_row_names_a_file_that_is_there() -> None:
    assert [module for module in HELD_BY if module not in _modules()] == []
