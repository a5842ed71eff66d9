"""The retry policy as rows, on a script without sockets or sleeps, through both clients."""

from __future__ import annotations

from email.utils import formatdate
from typing import Any

import pytest

from molam_sdk import MolamError
from molam_sdk._core.rules import Rule
from molam_sdk.testing import Failure, NoReply, Reply, ScriptedTransport, reply
from tests.support.caller import Caller
from tests.support.http_server import INTENT, ORDER
from tests.support.script import ENDS, OUTAGE, attempts_under

NOW = 1_800_000_000.0
CREATED = reply(201, INTENT)
CALLS: dict[str, tuple[Any, ...]] = {
    "a keyed POST": ("create_payment_intent", ORDER),
    "a GET": ("retrieve_payment_intent", "pi_1"),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize(("answer", "rule"), ENDS.values(), ids=ENDS)
def test_what_the_rules_retry_is_asked_again_and_nothing_else(
    caller: Caller, call: tuple[Any, ...], answer: Any, rule: Rule
) -> None:
    transport = ScriptedTransport(*[answer] * 4)
    caller.make(transport=transport)
    with pytest.raises(MolamError) as caught:
        caller.call(*call)
    attempts = max(attempts_under(rule), 1)
    assert (type(caught.value), len(transport.requests), len(transport.pauses)) == (rule.error, attempts, attempts - 1)
    asked = {(sent.method, sent.url, sent.body, sent.headers.get("Idempotency-Key")) for sent in transport.requests}
    assert len(asked) == 1


def test_after_max_retries_the_last_answer_is_the_error(caller: Caller) -> None:
    transport = ScriptedTransport(*[reply(OUTAGE)] * 9)
    caller.make(transport=transport, max_retries=2)
    with pytest.raises(MolamError) as caught:
        caller.call("create_payment_intent", ORDER)
    assert (caught.value.attempts, len(transport.requests)) == (3, 3)


def test_pauses_are_full_jitter_under_a_doubling_ceiling(caller: Caller) -> None:
    ceilings = (0.3, 0.6, 1.2, 2.4, 4.8, 8.0, 8.0)
    seen: list[list[float]] = [[] for _ in ceilings]
    for _ in range(60):
        transport = ScriptedTransport(*[reply(OUTAGE)] * 8)
        caller.make(transport=transport, max_retries=7, timeout_total=1000, retry_budget=10**6, guarded=False)
        with pytest.raises(MolamError):
            caller.call("create_payment_intent", ORDER)
        for pauses, pause in zip(seen, transport.pauses, strict=True):
            pauses.append(pause)
    for pauses, ceiling in zip(seen, ceilings, strict=True):
        assert 0 <= min(pauses) < ceiling / 4 < ceiling * 3 / 4 < max(pauses) <= ceiling


FORMS: dict[str, tuple[str, float | None]] = {
    "seconds": ("7", 7.0),
    "zero": ("0", 0.0),
    "spaces": ("  7 ", 7.0),
    "a fraction": ("1.5", 1.5),
    "negative": ("-5", 0.0),
    "an HTTP date": (formatdate(NOW + 9, usegmt=True), 9.0),
    "a date in the past": (formatdate(NOW - 9, usegmt=True), 0.0),
    "a date without a zone": (formatdate(NOW + 9, usegmt=True).removesuffix(" GMT"), 9.0),
    "words": ("soon", None),
    "nothing": ("", None),
    "twice": ("5, 6", None),
    "not ASCII": ("٧", None),
    "a date that does not exist": ("Fri, 31 Feb 2027 00:00:00 GMT", None),
    "hexadecimal": ("0x10", None),
    "not a number": ("nan", None),
}


@pytest.mark.parametrize(("text", "seconds"), FORMS.values(), ids=FORMS)
def test_retry_after_is_a_floor_under_the_pause(caller: Caller, text: str, seconds: float | None) -> None:
    transport = ScriptedTransport(reply(OUTAGE, headers={"Retry-After": text}), CREATED)
    caller.make(transport=transport, retry_backoff_factor=0.25)
    caller.call("create_payment_intent", ORDER)
    (pause,) = transport.pauses
    if seconds:
        assert seconds - 0.001 <= pause <= seconds + 0.251
    else:
        assert 0 <= pause <= 0.25


@pytest.mark.parametrize(
    "text", ["31", "86400", "9" * 40, "9" * 400, formatdate(NOW + 3600, usegmt=True), "Fri, 31 Dec 9999 23:59:59 GMT"]
)
def test_a_retry_after_past_the_bound_is_raised_at_once(caller: Caller, text: str) -> None:
    transport = ScriptedTransport(reply(OUTAGE, headers={"Retry-After": text}))
    caller.make(transport=transport, timeout_total=10**9)
    with pytest.raises(MolamError) as caught:
        caller.call("create_payment_intent", ORDER)
    assert transport.pauses == []
    assert caught.value.retry_after is not None
    assert caught.value.retry_after > 30


def test_a_pause_that_leaves_no_time_is_not_begun(caller: Caller) -> None:
    transport = ScriptedTransport(reply(OUTAGE, headers={"Retry-After": "5"}), seconds_per_request=1.0)
    caller.make(transport=transport)
    with pytest.raises(MolamError) as caught:
        caller.call("create_payment_intent", ORDER, timeout=6.0)
    assert (transport.pauses, caught.value.retry_after, caught.value.attempts) == ([], 5.0, 1)


def test_a_pause_that_fits_is_made(caller: Caller) -> None:
    transport = ScriptedTransport(reply(OUTAGE, headers={"Retry-After": "5"}), CREATED, seconds_per_request=1.0)
    caller.make(transport=transport)
    assert caller.call("create_payment_intent", ORDER, timeout=6.5).attempts == 2


def _failing(answer: Reply | NoReply, count: int) -> ScriptedTransport:
    return ScriptedTransport(*[answer] * count)


@pytest.mark.parametrize(
    ("answer", "retries"),
    [(reply(OUTAGE), 100), (NoReply(Failure.TIMEOUT, "late"), 50)],
    ids=["5 an answer", "10 a timeout"],
)
def test_an_outage_adds_a_bounded_load(caller: Caller, answer: Reply | NoReply, retries: int) -> None:
    transport = _failing(answer, 1000)
    caller.make(transport=transport, guarded=False)
    calls = 200
    for _ in range(calls):
        with pytest.raises(MolamError):
            caller.call("create_payment_intent", ORDER)
    assert len(transport.requests) == calls + retries


def test_each_success_gives_a_retry_a_fifth(caller: Caller) -> None:
    transport = ScriptedTransport()
    caller.make(transport=transport, guarded=False, retry_budget=5, max_retries=1)

    def attempts_of_a_failure() -> int:
        transport.script[:] = [reply(OUTAGE), reply(OUTAGE)]
        with pytest.raises(MolamError) as caught:
            caller.call("create_payment_intent", ORDER)
        return caught.value.attempts

    assert (attempts_of_a_failure(), attempts_of_a_failure()) == (2, 1)
    for given_back, expected in ((4, 1), (1, 2), (0, 1)):
        transport.script[:] = [CREATED] * given_back
        for _ in range(given_back):
            caller.call("create_payment_intent", ORDER)
        assert attempts_of_a_failure() == expected


def test_the_budget_is_one_for_all_calls_of_a_client_and_not_more(caller: Caller) -> None:
    first = caller.make(transport=_failing(reply(OUTAGE), 9), guarded=False, retry_budget=5)
    other = ScriptedTransport(reply(OUTAGE), CREATED)
    with pytest.raises(MolamError):
        caller.wait(first.create_payment_intent(ORDER))
    caller.make(transport=other, guarded=False, retry_budget=5)
    assert caller.call("create_payment_intent", ORDER).attempts == 2
