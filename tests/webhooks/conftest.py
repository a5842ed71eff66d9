"""The stores, one after the other, and what a delivery is made of."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from molam_sdk.contrib.webhooks import Store
from tests.support.shop import Shop
from tests.support.stores import STORES


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
