"""The stores, one after the other."""

from tests.support.webhooks.fixtures import store

__all__ = ["store"]
