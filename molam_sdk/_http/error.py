"""How a failed exchange travels from the socket up to the transport: once, and untranslated by requests."""

from __future__ import annotations

import time
from collections.abc import Mapping

from .._core.retry import parse_retry_after
from .._core.wire import Failure, NoReply


class NoReplyError(Exception):
    """No complete answer. ``status`` and ``headers`` are set where its head had come."""

    def __init__(self, failure: Failure, detail: str) -> None:
        super().__init__(detail)
        self.failure = failure
        self.detail = detail
        self.status: int | None = None
        self.headers: Mapping[str, str] | None = None

    def no_reply(self) -> NoReply:
        """The same, as the value that the core judges."""
        text = self.headers.get("Retry-After") if self.headers is not None else None
        retry_after = parse_retry_after(text, time.time())
        return NoReply(self.failure, self.detail, self.__cause__, self.status, self.headers, retry_after)
