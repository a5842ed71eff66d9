"""Ways in which a call ends badly, as the turns of a hostile server and the settings of a client."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from tests.security.canaries import CARD, CODES, LIVE_KEY, MISPLACED, PAYMENT, PERSON
from tests.support.http_server import (
    INTENT,
    MOLAMS,
    Turn,
    answer,
    error,
    html,
    http,
    then_close,
    then_hang,
    then_reset,
)

PAY: Final = ("create_payment_intent", (PAYMENT,), {"idempotency_key": "order-7"})


@dataclass(frozen=True)
class Situation:
    """What the server does with a request, how the client is set up beside its key, and what is called."""

    turn: Turn | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    call: tuple[str, tuple[Any, ...], dict[str, Any]] = PAY
    place: str = "server"  # or: name, refused, tls, stranger, proxy, dead_proxy
    prepare: Callable[[Any], None] | None = None


def _answers(*statuses: int) -> dict[str, Situation]:
    return {f"status {status}": Situation(error(status, f"code_{status}")) for status in statuses}


def _refused(*payloads: Any, method: str = "create_payment_intent", **options: Any) -> list[Situation]:
    return [Situation(call=(method, (payload,), options)) for payload in payloads]


_LATE: Final = {"timeout_read": 0.1, "timeout_total": 0.5}
_OTHER: Final = INTENT | {"id": "pi_7", "amount": 7, "description": "somebody else's"}

_ECHO: Final = f"POST /v1/ HTTP/1.1\r\nAuthorization: Bearer {LIVE_KEY}\r\n".encode()

ON_THE_WAY: Final[dict[str, Situation]] = {
    "no such name": Situation(place="name"),
    "refused": Situation(place="refused"),
    "no TLS at all": Situation(place="no tls"),
    "not trusted": Situation(place="stranger"),
    "proxy says no": Situation(answer(407, b"who?"), place="proxy"),
    "proxy is none": Situation(then_close(b"SSH-2.0\r\n"), place="proxy"),
    "proxy is gone": Situation(place="dead_proxy"),
    "reset": Situation(then_reset()),
    "closed": Situation(then_close()),
    "timeout": Situation(then_hang(), _LATE),
    "half an answer": Situation(then_close(http(201, INTENT, length=9999))),
    "half an answer, then silence": Situation(then_hang(http(201, INTENT, length=9999)), _LATE),
    "no HTTP": Situation(then_close(b"hello\r\n\r\n")),
    "too large": Situation(answer(201, b"x" * 5000, [MOLAMS]), {"max_body_bytes": 1000}),
    "a page": Situation(html(200)),
    "broken JSON": Situation(answer(201, b"{", [MOLAMS])),
    "another shape": Situation(answer(201, {"id": 7, "amount": "x"}, [MOLAMS])),
    "another's answer": Situation(answer(201, _OTHER, [MOLAMS])),
    "the request itself": Situation(then_close(_ECHO)),
    "the request in a page": Situation(answer(502, _ECHO)),
    "the request under a 200": Situation(answer(200, _ECHO)),
    "the request in an error": Situation(answer(401, {"error": {"code": "x", "message": _ECHO.decode()}}, [MOLAMS])),
    "the request in a code": Situation(answer(400, {"error": {"code": LIVE_KEY, "param": LIVE_KEY}}, [MOLAMS])),
    "a redirect": Situation(answer(307, None, [("Location", "https://elsewhere.test/")])),
    "declined": Situation(error(402, "card_declined")),
    **_answers(400, 401, 403, 404, 409, 422, 429, 500, 503),
}

BEFORE_SENDING: Final[dict[str, Situation]] = {
    f"argument {number}": situation
    for number, situation in enumerate([
        *_refused(PAYMENT | {"amount": CARD}, PAYMENT | {"amount": MISPLACED}, PAYMENT | {"currency": MISPLACED}),
        *_refused(PAYMENT | {"amount": -1}, PAYMENT | {MISPLACED: 1}, PAYMENT | {"amount": int(CARD) * 10}),
        *_refused({name: value for name, value in PAYMENT.items() if name != "currency"}, [PAYMENT], str(PAYMENT)),
        *_refused(PAYMENT | {"metadata": {"bad": float("nan"), **PERSON}}, PAYMENT | {"capture": PERSON["name"]}),
        *_refused(PAYMENT, idempotency_key=""),
        *_refused(PAYMENT, timeout=MISPLACED),
        *_refused({"payment_id": "pi_1", "reason": 7, "metadata": PERSON}, method="create_refund"),
        *_refused(f"/v1/\n{MISPLACED}", MISPLACED, method="get"),
        *_refused(CODES["pin"].encode(), method="retrieve_payout"),
        *_refused("/v1/x", method="post", payload={"card": CARD, "object": object()}),
        *_refused("/v1/x", method="get", params={"card": [CARD]}),
    ])
}  # fmt: skip
