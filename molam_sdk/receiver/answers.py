"""What becomes of a delivery: every result with its answer, and which result a refused webhook has."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from ..webhooks import Refusal

DeliveryResult = Literal[
    "handled",
    "stored",
    "duplicate",
    "ignored",
    "test_mode",
    "invalid",
    "hung_up",
    "busy",
    "lost",
    "failed",
    "store_error",
    "store_full",
    "unreadable",
    "malformed",
    "clock",
    "no_secret",
    "lookup_failed",
    "unknown_kid",
    "live_mode",
    "full",
    "stopping",
]
"""What became of a delivery; the label ``result`` of the metrics."""


class NotRunError(Exception):
    """Nothing of this delivery may run: the answer's result, and the reason that the sender is told."""

    def __init__(self, result: DeliveryResult, reason: str | None = None) -> None:
        super().__init__(reason)
        self.result: DeliveryResult = result
        self.reason = reason


@dataclass(frozen=True, slots=True)
class AnswerRule:
    """How a result is answered. ``level`` is of its log line: ERROR costs money until somebody corrects it.

    ``retry_after`` is seconds: Molam sends again what has one. None ends the delivery.
    """

    status: int
    level: int
    retry_after: float | None
    when: str


_INFO, _WARNING, _ERROR = logging.INFO, logging.WARNING, logging.ERROR

# Molam: any 2xx ends a delivery, another 4xx than 408, 409, 425 and 429 gives it up, the rest is sent again.
# fmt: off
ANSWERS: Final[Mapping[DeliveryResult, AnswerRule]] = {
    "handled":       AnswerRule(200, _INFO,    None, "every handler ran"),
    "stored":        AnswerRule(200, _INFO,    None, "it is on disk, and a worker runs it (`process=\"later\"`)"),
    "duplicate":     AnswerRule(200, _INFO,    None, "it was handled before"),
    "ignored":       AnswerRule(200, _INFO,    None, "nobody registered for its type"),
    "test_mode":     AnswerRule(200, _WARNING, None, "a test event, and the receiver is for `livemode=True`"),
    "invalid":       AnswerRule(400, _WARNING, None, "no proper header, too large, or not signed with the kid's key"),
    "hung_up":       AnswerRule(400, _INFO,    None, "the sender was gone before its body was whole"),
    "busy":          AnswerRule(409, _INFO,    1.0,  "another worker has it, or one of the same object comes first"),
    "lost":          AnswerRule(409, _WARNING, 1.0,  "this worker outlived its lease, and another has it"),
    "failed":        AnswerRule(500, _ERROR,   60.0, "a handler raised"),
    "store_error":   AnswerRule(500, _ERROR,   60.0, "the store could not be asked"),
    "store_full":    AnswerRule(503, _WARNING, 5.0,  "no connection to the store's database was free in time"),
    "unreadable":    AnswerRule(500, _ERROR,   60.0, "something took the body before the receiver, or changed it"),
    "malformed":     AnswerRule(500, _ERROR,   60.0, "Molam signed it, and it is no event that can be read"),
    "clock":         AnswerRule(503, _ERROR,   60.0, "signed by Molam at another time: our clock, or a replay"),
    "no_secret":     AnswerRule(503, _ERROR,   60.0, "no secret is known at all, or none for a kid that verified"),
    "lookup_failed": AnswerRule(503, _ERROR,   60.0, "looking the secret up failed"),
    "unknown_kid":   AnswerRule(503, _WARNING, 60.0, "only secrets of other kids are known: a stranger, or a rotation"),
    "live_mode":     AnswerRule(503, _ERROR,   60.0, "a live event, and the receiver is for `livemode=False`"),
    "full":          AnswerRule(503, _WARNING, 5.0,  "`max_in_flight` deliveries are being handled"),
    "stopping":      AnswerRule(503, _INFO,    5.0,  "the receiver was closed"),
}
# fmt: on

# The two that depend on what else is known, unknown_kid and lookup_failed, are judged in ``believed.py``.
BY_REFUSAL: Final[Mapping[Refusal, DeliveryResult]] = {
    "missing_header": "invalid",
    "malformed_header": "invalid",
    "mismatch": "invalid",
    "too_large": "invalid",
    "no_raw_body": "unreadable",
    "no_event": "malformed",
    "clock": "clock",
    "unknown_kid": "no_secret",
    "lookup_failed": "lookup_failed",
}
