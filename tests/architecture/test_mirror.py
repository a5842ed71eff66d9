"""The test of a file stands where the file stands: ``_core/rules.py`` has ``tests/core/test_rules.py``."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

import molam_sdk

PACKAGE: Final = Path(molam_sdk.__file__).parent
TESTS: Final = Path(__file__).parents[1]
SHORT: Final = 60

# What is tested through something else, and where.
HELD_BY: Final = {
    "_aside.py": "clients/hostile/test_api_key_callables.py",
    "_client_state.py": "clients/test_views.py",
    "_core/record.py": "core/test_call_facts.py",
    "_error_facts.py": "exceptions/test_travel.py",
    "_interruption.py": "clients/hostile/test_time_limits.py",
    "_json_safe.py": "exceptions/test_travel.py",
    "_resolving.py": "clients/test_doubts.py",
    "contrib/celery.py": "contrib/celery/test_task.py",
    "_params.py": "test_types.py",
    "_pybreaker.py": "contracts/test_pybreaker.py",
    "_transport/awaited/route.py": "clients/hostile/test_outcomes.py",
    "_transport/awaited/transport.py": "clients/hostile/test_outcomes.py",
    "_transport/blocking/adapter.py": "contracts/test_requests.py",
    "_transport/blocking/bulkhead.py": "clients/hostile/test_bulkhead.py",
    "_transport/blocking/route.py": "clients/hostile/test_outcomes.py",
    "_transport/blocking/transport.py": "clients/hostile/test_outcomes.py",
    "_transport/dns.py": "transport/test_connect.py",
    "_transport/failures.py": "transport/test_unforeseen.py",
    "_transport/origin.py": "transport/test_connect.py",
    "_transport/tls.py": "clients/hostile/test_connections.py",
    "async_client.py": "architecture/test_parity.py",
    "cli/checks.py": "cli/test_doctor.py",
    "cli/receiver.py": "cli/test_demo.py",
    "plain_async_client.py": "test_client.py",
    "sandbox/contract/schemas.py": "sandbox/contract/test_openapi.py",
    "sandbox/contract/values.py": "sandbox/contract/test_bodies.py",
    "sandbox/domain/payment_intents.py": "sandbox/operations/test_payment_intents.py",
    "sandbox/store/recording.py": "sandbox/store/test_ledger.py",
    "sandbox/store/tables.py": "sandbox/store/test_migrations.py",
    "sandbox/store/transaction.py": "sandbox/store/test_ledger.py",
    "store/memory.py": "store/test_stores.py",
    "sync_client.py": "test_client.py",
    "testing.py": "test_base_client.py",
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
