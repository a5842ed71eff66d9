"""A sandbox of its own for each test, a client for it, and a webhook receiver."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from molam_sdk.sandbox import Sandbox
from tests.support.sandbox_api import Api
from tests.support.sandbox_receiver import Receiver


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    # An endpoint of a test answers when a busy machine lets it.
    with Sandbox(webhook_timeout=30) as running:
        yield running


@pytest.fixture
def api(sandbox: Sandbox) -> Iterator[Api]:
    api = Api(sandbox.url, sandbox.api_key)
    yield api
    api.close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.close()


@pytest.fixture(scope="module")
def shared() -> Iterator[Api]:
    """One sandbox for all tests of a file, for refusals that leave nothing behind."""
    with Sandbox() as running:
        api = Api(running.url, running.api_key)
        yield api
        api.close()
