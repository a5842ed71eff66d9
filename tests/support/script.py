"""The lines that scripts are made of, and clients that play them."""

from __future__ import annotations

from typing import Any

import pytest

from molam_sdk import ClientConfig, MolamClient, MolamError
from molam_sdk._core.evidence import Instead
from molam_sdk._core.rules import RULES, Case, Retry, Rule
from molam_sdk._core.wire import Failure, NoReply
from molam_sdk.testing import ScriptedTransport, reply

INTENT = {"id": "pi_1", "status": "succeeded", "amount": 100.5, "currency": "USD"}
OK = reply(200, INTENT, {"X-Molam-Request-Id": "req_ok"})
TIMEOUT = NoReply(Failure.TIMEOUT, "no answer")


def error_reply(status: int, code: str = "some_code", **headers: str) -> Any:
    """An error of Molam's; ``X_Molam_Request_Id=""`` makes it one that only may be Molam's."""
    fields = {"X-Molam-Request-Id": "req_error"} | {name.replace("_", "-"): value for name, value in headers.items()}
    return reply(status, {"error": {"code": code, "message": "m"}}, fields)


def client_of(transport: ScriptedTransport, **settings: Any) -> MolamClient:
    config = ClientConfig(**({"api_key": "sk_live_1", "retry_backoff_factor": 0} | settings))
    return MolamClient(config, transport=transport)


def pay(transport: ScriptedTransport, **settings: Any) -> Any:
    return client_of(transport, **settings).create_payment_intent(
        {"amount": "100.50", "currency": "USD"}, idempotency_key="order-7"
    )


def failed(transport: ScriptedTransport, **settings: Any) -> MolamError:
    with pytest.raises(MolamError) as caught:
        pay(transport, **settings)
    return caught.value


def _retried(kind: type, **facts: object) -> Any:
    """The first case of the rules that is retried after a pause and is so: what is tested is not the rule itself."""
    rules = ((case, rule) for case, rule in RULES.items() if isinstance(case, kind) and rule.retry is Retry.PAUSED)
    return next(case for case, rule in rules if all(getattr(rule, name) == fact for name, fact in facts.items()))


REFUSED = NoReply(_retried(Failure, outcome="not_sent"), "refused")
RESET = NoReply(_retried(Failure, outcome="unknown", label="network_error"), "reset")
CUT_YES = NoReply(RESET.failure, "cut", None, 200, OK.headers)
"""A 2xx of Molam's whose body broke off."""

OUTAGE: int = _retried(int, outage=True)
"""A status that is retried and counts against the breaker."""

RETRIED_NO: int = _retried(int, outcome="rejected")
"""A status that is a no, retried all the same."""

_OF_A_CLASS = {"3xx": 307, "4xx": 405, "5xx": 501, "no status of HTTP": 999}


_INSTEAD = {
    Instead.JSON: reply(200, {"no": "id"}, {"X-Molam-Request-Id": "req_1"}),
    Instead.ERROR: reply(200, {"error": {"code": "x"}}),
    Instead.OTHER: reply(200, INTENT | {"id": "pi_7", "amount": 7}, {"X-Molam-Request-Id": "req_1"}),
    Instead.PAGE: reply(200, b"<html>"),
}


def _answer_of(case: Case) -> Any:
    if isinstance(case, Instead):
        return _INSTEAD[case]
    if isinstance(case, Failure):
        return NoReply(case, "x")
    if isinstance(case, tuple):
        return error_reply(*case)
    return error_reply(case if isinstance(case, int) else _OF_A_CLASS[case])


ENDS: dict[str, tuple[Any, Rule]] = {
    **{
        str(case): (_answer_of(case), rule)
        for case, rule in RULES.items()
        if isinstance(case, Instead) or rule.outcome != "accepted"
    },
    "broken JSON of Molam's": (reply(200, b"{", {"X-Molam-Request-Id": "req_1"}), RULES[Instead.JSON]),
    "JSON without Molam's id": (reply(200, {"no": "id"}), RULES[Instead.PAGE]),
    "no body": (reply(204), RULES[Instead.PAGE]),
}
"""An answer for each row of the rules that ends a call in an error, and the row."""


def attempts_under(rule: Rule) -> int:
    """How many requests a call makes that is answered so each time, with three retries."""
    return 4 if rule.retry in (Retry.PAUSED, Retry.AT_ONCE) else int(rule.attempted)
