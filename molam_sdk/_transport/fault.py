"""How a failed exchange travels from the socket up to the transport: once, and untranslated by requests."""

from __future__ import annotations

from collections.abc import Mapping

from .._core.wire import Failure, NoReply


class Fault(Exception):  # noqa: N818 - the fault, not the error that it may become
    """No complete answer. ``status`` and ``headers`` are set where its head had come."""

    def __init__(self, failure: Failure, detail: str) -> None:
        super().__init__(detail)
        self.failure = failure
        self.detail = detail
        self.status: int | None = None
        self.headers: Mapping[str, str] | None = None

    def no_reply(self) -> NoReply:
        """The same, as the value that the core judges."""
        return NoReply(self.failure, self.detail, self.__cause__, self.status, self.headers)
