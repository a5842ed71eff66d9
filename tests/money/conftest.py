"""Both clients, and servers that keep their own record of what they carried out."""

from __future__ import annotations

from tests.clients.conftest import caller, client_kind
from tests.clients.hostile.conftest import serve

__all__ = ["caller", "client_kind", "serve"]
