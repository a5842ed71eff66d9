"""A running sandbox for the commands that go to one, and a client for it."""

from tests.support.sandbox_fixtures import api, sandbox

__all__ = ["api", "sandbox"]
