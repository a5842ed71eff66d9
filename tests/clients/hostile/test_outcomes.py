"""Fault by fault, and fault after fault: the error, what it says about the money, the attempts, the connections."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from molam_sdk import (
    AuthenticationError,
    ClientClosedError,
    DeclinedError,
    IdempotencyError,
    InvalidRequestError,
    MolamError,
    MolamTimeoutError,
    NetworkError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    RedirectError,
    ResponseError,
    ServerError,
)
from tests.support.caller import Caller
from tests.support.http_server import (
    ENDED,
    INTENT,
    MOLAMS,
    ORDER,
    Serve,
    Turn,
    Wire,
    answer,
    created,
    error,
    html,
    http,
    then_close,
    then_hang,
    then_reset,
)

Secured = tuple[dict[str, Any], dict[str, Any]]

FULL = http(201, INTENT, [MOLAMS])
CUT = FULL[:-10]
LYING = http(201, INTENT, [MOLAMS], length=5000)
# Only where something hangs is the patience short: on a busy machine an answer may take its time.
SETTINGS = {"retry_backoff_factor": 0.001, "timeout_connect": 5.0, "timeout_read": 5.0}
SHORT = {"timeout_read": 0.3}


RESET, LATE = then_reset(), then_hang()


@dataclass(frozen=True)
class Row:
    """A script, and how a create under it must end."""

    fact: str
    script: tuple[Turn, ...]
    ends: type[MolamError] | None
    outcome: str | None
    attempts: int
    connections: int
    settings: dict[str, Any]


def row(
    fact: str,
    *script: Turn,
    ends: type[MolamError] | None = None,
    outcome: str | None = None,
    attempts: int = 1,
    connections: int = 1,
    **settings: Any,
) -> Row:
    patience = SHORT if LATE in script else {}
    return Row(fact, script, ends, outcome, attempts, connections, patience | settings)


TABLE = [
    # one attempt
    row("a decline is a definite no", error(402, "card_declined"), ends=DeclinedError, outcome="rejected"),
    row("400", error(400, "invalid"), ends=InvalidRequestError, outcome="rejected"),
    row("422", error(422, "idempotency_key_reused"), ends=IdempotencyError, outcome="rejected"),
    row("401", error(401, "bad_key"), ends=AuthenticationError, outcome="rejected"),
    row("403", error(403, "scope"), ends=PermissionDeniedError, outcome="rejected"),
    row("404 as a page", html(404), ends=NotFoundError, outcome="unknown"),
    row("500", error(500, "boom"), ends=ServerError, outcome="unknown", max_retries=0),
    row("a gateway's 502 page", html(502), ends=ServerError, outcome="unknown", max_retries=0),
    row("501 is not retried", html(501), ends=ServerError, outcome="unknown"),
    row("307", answer(307, None, [("Location", "/x")]), ends=RedirectError, outcome="unknown"),
    row("timeout", LATE, ends=MolamTimeoutError, outcome="unknown", max_retries=0),
    row("reset", RESET, ends=NetworkError, outcome="unknown", max_retries=0),
    row("closed without a word", then_close(), ends=NetworkError, outcome="unknown", max_retries=0),
    row("429", error(429, "slow_down"), ends=RateLimitError, outcome="rejected", max_retries=0),
    # what is retried ends well
    row("reset, then created", RESET, created(), attempts=2, connections=2),
    row("timeout, then created", LATE, created(), attempts=2, connections=2),
    row("503, then created, on one connection", error(503, "x"), created(), attempts=2),
    row("408, 425, 429, then created", html(408), html(425), html(429), created(), attempts=4),
    row("in progress, then replayed", error(409, "idempotency_in_progress"), created(True), attempts=2),
    row("a cut 2xx, then replayed", then_close(CUT), created(True), attempts=2, connections=2),
    row("a 2xx longer than it is, then replayed", then_close(LYING), created(True), attempts=2, connections=2),
    row("a 2xx reset in its body, then replayed", then_reset(CUT), created(True), attempts=2, connections=2),
    # after a doubt, only a definite word
    row("timeout, 401", LATE, error(401, "x"), ends=AuthenticationError, outcome="unknown", attempts=2, connections=2),
    row("timeout, 403", LATE, error(403, "x"), ends=PermissionDeniedError, outcome="unknown", attempts=2,
        connections=2),
    row("timeout, 429", LATE, error(429, "x"), ends=RateLimitError, outcome="unknown", attempts=2, connections=2,
        max_retries=1),
    row("timeout, 404 page", LATE, html(404), ends=NotFoundError, outcome="unknown", attempts=2, connections=2),
    row("timeout, 400 page", LATE, html(400), ends=InvalidRequestError, outcome="unknown", attempts=2, connections=2),
    row("timeout, redirect", LATE, html(302), ends=RedirectError, outcome="unknown", attempts=2, connections=2),
    row("timeout, 402", LATE, error(402, "no"), ends=DeclinedError, outcome="rejected", attempts=2, connections=2),
    row("timeout, 400", LATE, error(400, "no"), ends=InvalidRequestError, outcome="rejected", attempts=2,
        connections=2),
    row("503, 404 of Molam", error(503, "x"), error(404, "gone"), ends=NotFoundError, outcome="rejected", attempts=2),
    row("reset, in progress to the end", RESET, *[error(409, "idempotency_in_progress")] * 3, ends=IdempotencyError,
        outcome="unknown", attempts=4, connections=2),
    # a 2xx of Molam's that was seen, unless Molam itself says otherwise
    row("a cut 2xx", then_close(CUT), ends=NetworkError, outcome="accepted", max_retries=0),
    row("a 2xx that hangs in its body", then_hang(CUT), ends=MolamTimeoutError, outcome="accepted", max_retries=0,
        timeout_read=0.3),
    row("a cut 2xx, then 401", then_close(CUT), error(401, "x"), ends=AuthenticationError, outcome="accepted",
        attempts=2, connections=2),
    row("a cut 2xx, then 503", then_close(CUT), error(503, "x"), ends=ServerError, outcome="accepted", attempts=2,
        connections=2, max_retries=1),
    row("a cut 2xx, then a 404 page", then_close(CUT), html(404), ends=NotFoundError, outcome="accepted", attempts=2,
        connections=2),
    row("a cut 2xx, then 402", then_close(CUT), error(402, "x"), ends=DeclinedError, outcome="rejected", attempts=2,
        connections=2),
    row("a 2xx that is a page", html(200), ends=ResponseError, outcome="unknown"),
    row("a cut 402 says no", then_close(http(402, b"{", [MOLAMS], length=99)), ends=NetworkError, outcome="rejected",
        max_retries=0),
    row("a cut 503 says nothing", then_close(http(503, b"{", length=99)), ends=NetworkError, outcome="unknown",
        max_retries=0),
]  # fmt: skip


@pytest.mark.parametrize("expected", TABLE, ids=lambda row: row.fact)
def test_the_call_ends_as_the_table_says(caller: Caller, serve: Serve, secured: Secured, expected: Row) -> None:
    server = serve(*expected.script, usual=error(418, "the script is over"), **secured[0])
    caller.make(server.url, **SETTINGS | secured[1] | expected.settings)
    if expected.ends is None:
        assert caller.call("create_payment_intent", ORDER, idempotency_key="k").attempts == expected.attempts
    else:
        with pytest.raises(MolamError) as caught:
            caller.call("create_payment_intent", ORDER, idempotency_key="k")
        found = caught.value
        assert (type(found), found.outcome, found.attempts) == (expected.ends, expected.outcome, expected.attempts)
        assert (found.idempotency_key, found.operation) == ("k", "create_payment_intent")
    assert (len(server.requests), server.connections) == (expected.attempts, expected.connections)
    assert {(request.line, request.key, request.body) for request in server.requests} == {
        ("POST /v1/connect/payment_intents HTTP/1.1", "k", server.requests[0].body)
    }


def test_a_refused_connection_was_not_sent_and_is_tried_again(caller: Caller, serve: Serve) -> None:
    with serve() as server:
        pass
    caller.make(server.url, **SETTINGS)
    with pytest.raises(NetworkError) as caught:
        caller.call("create_payment_intent", ORDER)
    assert (caught.value.outcome, caught.value.attempts) == ("not_sent", 4)
    assert not caught.value.money_may_have_moved


def test_a_connection_refused_after_a_timeout_leaves_the_outcome_unknown(caller: Caller, serve: Serve) -> None:
    server = serve()

    def last(_wire: Wire) -> bool:
        server.refuse()
        return ENDED

    server.script.append(last)
    caller.make(server.url, **SETTINGS)
    with pytest.raises(NetworkError) as caught:
        caller.call("create_payment_intent", ORDER)
    assert (caught.value.outcome, caught.value.attempts) == ("unknown", 4)
    assert "resolve" in str(caught.value)


@pytest.mark.parametrize("end", [then_close(), then_reset()], ids=["closed", "reset"])
def test_a_stale_connection_is_replaced_at_once_under_the_same_key(
    caller: Caller, serve: Serve, secured: Secured, end: Turn
) -> None:
    server = serve(created(), end, created(), **secured[0])
    # With this backoff a pause would be seen: the call would not end in time.
    caller.make(server.url, **SETTINGS | secured[1] | {"retry_backoff_factor": 1e6, "retry_backoff_max": 1e6})
    caller.call("create_payment_intent", ORDER, idempotency_key="first")
    assert caller.call("create_payment_intent", ORDER, idempotency_key="second", timeout=5).attempts == 2
    assert [(seen.connection, seen.key) for seen in server.requests] == [(1, "first"), (1, "second"), (2, "second")]
    assert server.requests[1].body == server.requests[2].body


def test_resolve_asks_until_the_answer_is_definite(caller: Caller, serve: Serve, secured: Secured) -> None:
    doubts = [LATE, RESET, error(503, "x"), error(409, "idempotency_in_progress"), created(replayed=True)]
    server = serve(then_close(CUT), *doubts, **secured[0])
    caller.make(server.url, **SETTINGS | SHORT | secured[1] | {"max_retries": 0})
    with pytest.raises(MolamError) as caught:
        caller.call("create_payment_intent", ORDER)
    assert caught.value.outcome == "accepted"
    intent = caller.call("resolve", caught.value, timeout=10)
    assert (intent.id, intent.replayed) == ("pi_1", True)
    assert {seen.key for seen in server.requests} == {caught.value.idempotency_key}
    assert len({(seen.line, seen.body) for seen in server.requests}) == 1


def test_resolve_that_hears_a_no_after_a_doubt_says_no(caller: Caller, serve: Serve) -> None:
    server = serve(RESET, RESET, error(402, "card_declined"))
    caller.make(server.url, **SETTINGS | {"max_retries": 0})
    with pytest.raises(NetworkError) as caught:
        caller.call("create_payment_intent", ORDER)
    with pytest.raises(DeclinedError) as definite:
        caller.call("resolve", caught.value)
    assert definite.value.outcome == "rejected"


def test_resolve_that_runs_out_of_time_keeps_the_doubt(caller: Caller, serve: Serve) -> None:
    server = serve(RESET, usual=error(503, "x"))
    caller.make(server.url, **SETTINGS | {"max_retries": 0})
    with pytest.raises(NetworkError) as caught:
        caller.call("create_payment_intent", ORDER)
    with pytest.raises(ServerError) as still:
        caller.call("resolve", caught.value, timeout=0.3)
    assert still.value.outcome == "unknown"


@pytest.mark.parametrize(
    ("first", "second", "found"),
    [
        (RESET, error(404, "x"), None),
        (then_close(http(200, b"x", [MOLAMS], length=9)), error(404, "x"), None),
        (error(429, "x"), error(404, "x"), NotFoundError),
        (RESET, html(404), NotFoundError),
    ],
    ids=["lost", "cut 2xx", "refused first", "a proxy's page"],
)
def test_a_404_after_a_lost_delete_means_deleted(
    caller: Caller, serve: Serve, first: Turn, second: Turn, found: type[MolamError] | None
) -> None:
    caller.make(serve(first, second).url, **SETTINGS)
    if found is None:
        assert caller.call("delete_webhook_endpoint", "we_1") is None
    else:
        with pytest.raises(found):
            caller.call("delete_webhook_endpoint", "we_1")


def test_close_is_final_and_says_so(caller: Caller, serve: Serve) -> None:
    server = serve()
    client = caller.make(server.url)
    caller.call("create_payment_intent", ORDER)
    caller.wait(client.close())
    caller.wait(client.close())
    with pytest.raises(ClientClosedError) as caught:
        caller.call("create_payment_intent", ORDER)
    assert caught.value.outcome == "not_sent"
    assert len(server.requests) == 1
