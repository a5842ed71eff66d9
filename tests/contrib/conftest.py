"""The shop that deliveries go to."""

from tests.support.webhooks.fixtures import shop

__all__ = ["shop"]
