"""What clients use that were given no transport: our own sockets, unless a test says otherwise."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from requests.adapters import BaseAdapter

# molam_sdk.testing.ordinary_transport() adds one for as long as it lasts; the last one counts.
adapter_makers: Final[list[Callable[[], BaseAdapter]]] = []


def default_adapter() -> BaseAdapter | None:
    """The adapter of requests that a new client shall use; None for our own sockets."""
    return adapter_makers[-1]() if adapter_makers else None
