"""The pytest plugin of the SDK: an offline Molam of its own for each test, and clients that recorders can hook."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from molam_sdk.sandbox import Sandbox


@pytest.fixture
def molam_sandbox() -> Iterator[Sandbox]:
    """A running sandbox on a free port, empty at the start of each test; needs ``molam-python-sdk[sandbox]``."""
    # Imported when asked for: this module is loaded by every pytest run where the SDK is installed.
    try:
        from molam_sdk.sandbox import Sandbox
    except ImportError as missing:
        pytest.fail(f"molam_sandbox needs: pip install 'molam-python-sdk[sandbox]' ({missing})", pytrace=False)
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def molam_ordinary_transport() -> Iterator[None]:
    """Clients made in this test send through requests' own adapter: vcrpy, httpretty and pook see their calls."""
    from molam_sdk.testing import ordinary_transport

    with ordinary_transport():
        yield
