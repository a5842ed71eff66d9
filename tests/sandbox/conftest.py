"""A sandbox of its own for each test, a client for it, and a webhook receiver."""

from tests.support.sandbox_fixtures import api, receiver, sandbox, shared

__all__ = ["api", "receiver", "sandbox", "shared"]
