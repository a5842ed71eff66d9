"""What a full bulkhead answers, for both clients."""

from __future__ import annotations

from typing import Any

from .._core.call import Call
from .._core.wire import Failure, NoReply


def bulkhead_full(call: Call[Any]) -> NoReply:
    """The refusal, as the value that the core judges."""
    group = call.invocation.operation.group
    return NoReply(Failure.BULKHEAD_FULL, f"too many calls of the group {group!r} are in flight")
