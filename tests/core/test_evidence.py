"""Whose an answer is, row by row: bodies that were seen in Molam's place, and Molam's own."""

from __future__ import annotations

from typing import Any

import pytest

from molam_sdk import APIError, MolamError, ResponseError
from molam_sdk._core.evidence import EVIDENCE, Evidence, Instead, RequestId, evidence_of, is_molams, what_came_instead
from molam_sdk._core.problem import Shape, read_problem
from molam_sdk.testing import ScriptedTransport, reply
from tests.support.script import INTENT, TIMEOUT, client_of, failed

MOLAMS = {"X-Molam-Request-Id": "req_1"}
ANYBODYS = {"X-Request-ID": "req_1"}
PROVEN, CLAIMED, NONE = Evidence.PROVEN, Evidence.CLAIMED, Evidence.NONE

NESTED = {"error": {"code": "card_declined", "message": "m"}}
FLAT = {"error": "card_declined", "message": "m"}
CODED = {"error_code": "E1", "message": "m", "request_id": "req_1"}
DETAILS = {"type": "https://molam.io/probs/declined", "title": "Declined", "status": 402}

STRANGERS: dict[str, Any] = {
    "nothing": b"",
    "a page": b"<html><body>403 Forbidden</body></html>",
    "text": b"upstream connect error or disconnect/reset before headers",
    "a list": b"[]",
    "Spring Boot": {"timestamp": "2026-01-01T00:00:00Z", "status": 404, "error": "Not Found", "path": "/v1/connect"},
    "YARP": {"type": "https://tools.ietf.org/html/rfc9110#section-15.5.5", "title": "Not Found", "status": 404},
    "RFC 9457": {"type": "about:blank", "title": "Bad Request", "status": 400, "detail": "too many fields"},
    "Oathkeeper": {"error": {"code": 404, "status": "Not Found", "message": "The resource could not be found"}},
    "Fastify": {"statusCode": 413, "code": "FST_ERR_CTP_BODY_TOO_LARGE", "error": "Payload Too Large", "message": "m"},
    "API Gateway": {"message": "Forbidden"},
    "Kong": {"message": "no Route matched with those values", "request_id": "a1"},
}


@pytest.mark.parametrize(
    ("body", "molams", "anybodys", "bare"),
    [
        (NESTED, PROVEN, PROVEN, CLAIMED),
        (FLAT, PROVEN, NONE, NONE),
        (CODED, PROVEN, NONE, NONE),
        (DETAILS, PROVEN, NONE, NONE),
        (b"<html>", NONE, NONE, NONE),
        (b"", NONE, NONE, NONE),
        ({"error": {"code": 404, "message": "m"}}, NONE, NONE, NONE),
        ({"error": {"code": "", "message": "m"}}, NONE, NONE, NONE),
        ({"message": "m"}, NONE, NONE, NONE),
    ],
)
def test_whose_an_error_is(body: Any, molams: Evidence, anybodys: Evidence, bare: Evidence) -> None:
    answers = [reply(402, body, headers) for headers in (MOLAMS, ANYBODYS, {}, MOLAMS | ANYBODYS)]
    found = [evidence_of(answer.headers, read_problem(answer.body)) for answer in answers]
    assert found == [molams, anybodys, bare, molams]


def test_a_request_id_without_a_value_is_none() -> None:
    assert (
        evidence_of({"X-Molam-Request-Id": "", "X-Request-ID": ""}, read_problem(b'{"error":{"code":"x"}}')) is CLAIMED
    )
    assert evidence_of({}, None) is NONE


def test_every_shape_has_its_row() -> None:
    assert EVIDENCE.keys() == {None, *Shape}
    assert all(row.keys() == set(RequestId) for row in EVIDENCE.values())


def test_a_head_is_molams_by_molams_own_id_alone() -> None:
    assert is_molams(MOLAMS)
    assert not any(is_molams(headers) for headers in (None, {}, ANYBODYS))


@pytest.mark.parametrize(
    ("headers", "body", "instead"),
    [
        (MOLAMS, b'{"id": ', Instead.JSON),
        (MOLAMS, b' \n{"no": "id"}', Instead.JSON),
        (ANYBODYS, b'{"id": ', Instead.PAGE),
        ({}, b'{"no": "id"}', Instead.PAGE),
        (MOLAMS, b"<html>", Instead.PAGE),
        (MOLAMS, b"", Instead.PAGE),
        (MOLAMS, b"[1]", Instead.PAGE),
        (MOLAMS, b'{"error": {"code": "x"}}', Instead.ERROR),
        ({}, b'{"error": "x"}', Instead.ERROR),
        (MOLAMS, b'{"error": {"code": 404, "message": "no rule matched"}}', Instead.ERROR),
        (MOLAMS, b'{"error": null}', Instead.JSON),
    ],
)
def test_what_comes_in_place_of_an_answer(headers: dict[str, str], body: bytes, instead: Instead) -> None:
    assert what_came_instead(reply(200, body, headers), read_problem(body)) is instead


@pytest.mark.parametrize("status", [200, 204, 302, 400, 401, 403, 404, 409, 413, 422, 429])
@pytest.mark.parametrize("headers", [{}, ANYBODYS], ids=["bare", "with any id"])
@pytest.mark.parametrize("body", STRANGERS.values(), ids=STRANGERS.keys())
def test_a_stranger_s_answer_leaves_every_doubt(body: Any, headers: dict[str, str], status: int) -> None:
    answer = reply(status, body, headers)
    assert failed(ScriptedTransport(answer), max_retries=0).outcome == "unknown"
    assert failed(ScriptedTransport(TIMEOUT, answer), max_retries=1).outcome == "unknown"


@pytest.mark.parametrize("headers", [{}, ANYBODYS, MOLAMS], ids=["bare", "any id", "Molam's"])
def test_an_error_under_200_is_an_error(headers: dict[str, str]) -> None:
    error = failed(ScriptedTransport(reply(200, NESTED, headers)))
    assert isinstance(error, APIError)
    assert (error.outcome, error.code, error.status_code, error.message) == ("unknown", "card_declined", 200, "m")


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (reply(200, b'{"id": "pi_1", "st', MOLAMS), "accepted"),
        (reply(200, {"no": "id"}, MOLAMS), "accepted"),
        (reply(200, b'{"id": "pi_1", "st'), "unknown"),
        (reply(200, b"<html>", MOLAMS), "unknown"),
        (reply(204, None, MOLAMS), "unknown"),
        (reply(204), "unknown"),
    ],
)
def test_accepted_is_said_of_molams_json_only(answer: Any, outcome: str) -> None:
    error = failed(ScriptedTransport(answer))
    assert isinstance(error, ResponseError)
    assert error.outcome == outcome


@pytest.mark.parametrize("headers", [{}, ANYBODYS, MOLAMS], ids=["bare", "any id", "Molam's"])
def test_what_the_operation_answers_with_needs_no_request_id(headers: dict[str, str]) -> None:
    transport = ScriptedTransport(reply(200, INTENT, headers), reply(402, NESTED, headers))
    client = client_of(transport)
    assert client.retrieve_payment_intent("pi_1").id == "pi_1"
    with pytest.raises(MolamError) as caught:
        client.confirm_payment_intent("pi_1")
    assert caught.value.outcome == "rejected"


def test_resolve_of_an_accepted_that_molam_declines_says_rejected() -> None:
    transport = ScriptedTransport(reply(200, b"{", MOLAMS), reply(402, NESTED, MOLAMS))
    client = client_of(transport)
    with pytest.raises(ResponseError) as caught:
        client.create_payment_intent({"amount": "100.50", "currency": "USD"})
    assert caught.value.outcome == "accepted"
    with pytest.raises(APIError) as declined:
        client.resolve(caught.value)
    assert declined.value.outcome == "rejected"
