"""Every test that asks for ``caller`` runs twice: once with the blocking client, once with the asyncio one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import pytest

from tests.support.caller import Caller, Kind


@pytest.fixture(params=["sync", "async"])
def client_kind(request: pytest.FixtureRequest) -> Kind:
    """Which client the test runs with."""
    return cast(Kind, request.param)


@pytest.fixture
def caller(client_kind: Kind) -> Iterator[Caller]:
    """Makes and calls clients of this kind, and closes them."""
    made = Caller(client_kind)
    yield made
    made.close()
