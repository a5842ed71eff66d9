"""The shop that deliveries go to, and the stores it may stand on."""

from tests.support.webhooks.fixtures import shop, store

__all__ = ["shop", "store"]
