"""The stores, one after the other, those for event loops too."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from molam_sdk.store import Store
from tests.support.webhooks.async_stores import DRIVEN_STORES
from tests.support.webhooks.stores import STORES

_MAKERS = STORES | DRIVEN_STORES


@pytest.fixture(params=_MAKERS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """Each store in turn, empty."""
    with _MAKERS[request.param](tmp_path) as store:
        yield store
