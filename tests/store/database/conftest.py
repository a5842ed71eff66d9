"""The databases, one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from molam_sdk.store.database import Database
from tests.support.databases import DATABASES


@pytest.fixture(params=DATABASES)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """Each database in turn."""
    with DATABASES[request.param](tmp_path) as database:
        yield database
