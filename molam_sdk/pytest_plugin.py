"""The pytest plugin of the SDK: an offline Molam of its own for each test, clients that recorders can hook, and no
breaker that another test opened."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from molam_sdk._webhook_samples import SandboxWebhooks
    from molam_sdk.sandbox import Sandbox

_BREAKERS = "molam_sdk._breaker.named"


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """Breakers are shared by name for as long as a process lives: each test begins with none, and those that clients
    of earlier tests still have are closed."""
    if _BREAKERS in sys.modules:  # not imported for it: most tests that run where the SDK is installed have no client
        sys.modules[_BREAKERS].NAMED.begin_anew()


def pytest_configure(config: pytest.Config) -> None:
    """Tell pytest of the marker."""
    config.addinivalue_line("markers", "molam(**options): options of the Sandbox that molam_sandbox starts, rate=2 say")


@pytest.fixture
def molam_sandbox(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    """A running sandbox on a free port, empty at the start of each test; needs ``molam-python-sdk[sandbox]``.

    ``@pytest.mark.molam(rate=2, seed=7, overdraft=True)`` on a test, class or module gives it options; the nearest one
    counts.
    """
    # Imported when asked for: this module is loaded by every pytest run where the SDK is installed.
    try:
        from molam_sdk.sandbox import Sandbox
    except ImportError as missing:
        pytest.fail(f"molam_sandbox needs: pip install 'molam-python-sdk[sandbox]' ({missing})", pytrace=False)
    options: dict[str, Any] = {}
    for mark in reversed([*request.node.iter_markers("molam")]):
        if mark.args:
            pytest.fail(f"@pytest.mark.molam takes options by name, as rate=2: {mark.args!r}", pytrace=False)
        options.update(mark.kwargs)
    try:
        sandbox = Sandbox(**options)
    except (TypeError, ValueError) as problem:
        pytest.fail(f"@pytest.mark.molam: {problem}", pytrace=False)
    with sandbox:
        yield sandbox


@pytest.fixture
def molam_webhooks(molam_sandbox: Sandbox) -> Iterator[SandboxWebhooks]:
    """Webhook endpoints in the test's sandbox: ``subscribe(url)`` makes one, ``secrets`` is for the receiver."""
    from molam_sdk._webhook_samples import SandboxWebhooks

    with SandboxWebhooks(molam_sandbox.url, molam_sandbox.api_key) as webhooks:
        yield webhooks


@pytest.fixture
def molam_ordinary_transport() -> Iterator[None]:
    """Clients made in this test send through requests' own adapter: vcrpy, httpretty and pook see their calls."""
    from molam_sdk.testing import ordinary_transport

    with ordinary_transport():
        yield
