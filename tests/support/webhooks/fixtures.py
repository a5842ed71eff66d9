"""Fixtures of the receiver's and the stores' tests; each folder's conftest.py names those it wants."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from molam_sdk.store import Store
from tests.support.webhooks.shop import Shop
from tests.support.webhooks.stores import STORES


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """Each store in turn, empty."""
    with STORES[request.param](tmp_path) as store:
        yield store


@pytest.fixture
def shop() -> Shop:
    """A shop that wants ``payment.succeeded``."""
    shop = Shop()
    shop.receiver.on("payment.succeeded")(shop.fulfil)
    return shop
