"""Every no of the sandbox: keys, scopes, rate, validation, and the shapes an error is written in."""

from __future__ import annotations

import json
from typing import Any

import pytest
import requests

from molam_sdk.sandbox import Sandbox
from tests.support.sandbox_api import ENDPOINTS, INTENTS, MERCHANT, ONBOARD, PAYOUT, PAYOUTS, REFUNDS, Api, code

GOOD = {"amount": 1, "currency": "USD"}
HOOK = {"tenant_type": "m", "tenant_id": "1", "url": "http://127.0.0.1:1/h", "events": ["*"]}


@pytest.mark.parametrize(
    ("authorization", "reason"),
    [
        (None, "authentication_required"),
        ("Basic abc", "authentication_required"),
        ("Bearer ", "authentication_required"),
        ("Bearer sk_test_unknown", "invalid_api_key"),
        ("Bearer sk_live_abc", "live_key_in_sandbox"),
    ],
)
def test_a_wrong_key_is_401(sandbox: Sandbox, authorization: str | None, reason: str) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    answer = requests.get(sandbox.url + INTENTS, headers=headers, timeout=5)
    assert code(answer) == (401, reason)
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_a_restricted_key_does_what_its_scopes_open_and_no_more(sandbox: Sandbox) -> None:
    reader = Api(sandbox.url, sandbox.keys.create("payments:read", "refunds:write"))
    assert reader.get(INTENTS).status_code == 200
    assert code(reader.post(INTENTS, GOOD)) == (403, "insufficient_scope")
    assert code(reader.post(REFUNDS, {"payment_id": "pi_x"})) == (404, "resource_missing")
    assert code(reader.get(PAYOUTS)) == (403, "insufficient_scope")
    reader.close()


def test_an_unknown_scope_is_refused_when_the_key_is_made(sandbox: Sandbox) -> None:
    with pytest.raises(ValueError, match="payments:red"):
        sandbox.keys.create("payments:red")


def test_the_rate_is_per_key_and_says_when_to_come_again() -> None:
    with Sandbox(rate=2) as sandbox:
        api, other = (Api(sandbox.url, key) for key in (sandbox.api_key, sandbox.keys.create()))
        assert [api.get(INTENTS).status_code for _ in range(3)] == [200, 200, 429]
        refused = api.get(INTENTS)
        assert (code(refused), refused.headers["Retry-After"]) == ((429, "rate_limited"), "1")
        assert other.get(INTENTS).status_code == 200
        sandbox.clock.advance(seconds=1)
        assert [api.get(INTENTS).status_code for _ in range(3)] == [200, 200, 429]
        api.close()
        other.close()


INVALID: list[tuple[str, dict[str, Any], str, Any, str]] = [
    (INTENTS, GOOD, "amount", None, "parameter_missing"),
    (INTENTS, GOOD, "amount", "1", "parameter_invalid"),
    (INTENTS, GOOD, "amount", True, "parameter_invalid"),
    (INTENTS, GOOD, "amount", 0, "parameter_invalid"),
    (INTENTS, GOOD, "amount", -1, "parameter_invalid"),
    (INTENTS, GOOD, "amount", 1.001, "parameter_invalid"),
    (INTENTS, GOOD, "amount", 10**15, "parameter_invalid"),
    (INTENTS, GOOD, "amount", 12345678901234.56, "parameter_invalid"),
    (INTENTS, {**GOOD, "currency": "XOF"}, "amount", 1.5, "parameter_invalid"),
    (INTENTS, GOOD, "currency", "usd", "parameter_invalid"),
    (INTENTS, GOOD, "currency", "XXX", "parameter_invalid"),
    (INTENTS, GOOD, "currency", ["USD"], "parameter_invalid"),
    (INTENTS, GOOD, "capture", "yes", "parameter_invalid"),
    (INTENTS, GOOD, "customer_id", "", "parameter_invalid"),
    (INTENTS, GOOD, "description", "x" * 1001, "parameter_invalid"),
    (INTENTS, GOOD, "metadata", [], "parameter_invalid"),
    (INTENTS, GOOD, "metadata", {"k": "x" * 20_000}, "parameter_invalid"),
    (INTENTS, GOOD, "metadata", {"sandbox": "card_declind"}, "parameter_invalid"),
    (INTENTS, GOOD, "metadata", {"sandbox": {}}, "parameter_invalid"),
    (INTENTS, GOOD, "return_url", "javascript:alert(1)", "parameter_invalid"),
    (INTENTS, GOOD, "return_url", "http://shop.example/", "parameter_invalid"),
    (INTENTS, GOOD, "payment_methods", ["cash"], "parameter_invalid"),
    (INTENTS, GOOD, "payment_methods", ["card", "card"], "parameter_invalid"),
    (INTENTS, GOOD, "amout", 1, "parameter_unknown"),
    (REFUNDS, {"payment_id": "pi_1"}, "payment_id", None, "parameter_missing"),
    (PAYOUTS, PAYOUT, "beneficiary", " ", "parameter_invalid"),
    (PAYOUTS, PAYOUT, "origin_module", None, "parameter_missing"),
    (ONBOARD, MERCHANT, "email", "awa", "parameter_invalid"),
    (ONBOARD, MERCHANT, "country", "Senegal", "parameter_invalid"),
    (ENDPOINTS, HOOK, "url", "http://shop.example/hook", "parameter_invalid"),
    (ENDPOINTS, HOOK, "url", "https://[broken/", "parameter_invalid"),
    (ENDPOINTS, HOOK, "events", [], "parameter_invalid"),
    (ENDPOINTS, HOOK, "events", ["payment.exploded"], "parameter_invalid"),
]


@pytest.fixture(scope="module")
def shared() -> Any:
    with Sandbox() as sandbox:
        api = Api(sandbox.url, sandbox.api_key)
        yield api
        api.close()


@pytest.mark.parametrize(("path", "good", "param", "value", "reason"), INVALID)
def test_a_validation_error_names_the_parameter(
    shared: Api, path: str, good: dict[str, Any], param: str, value: Any, reason: str
) -> None:
    answer = shared.post(path, {**good, param: value})
    assert (code(answer), answer.json()["error"]["param"]) == ((400, reason), param)


@pytest.mark.parametrize(
    "raw",
    [
        b"{",
        b"[]",
        b'"text"',
        b"null",
        b"\xff",
        b'{"amount": NaN, "currency": "USD"}',
        b'{"amount": 1e999999999, "currency": "USD"}',
        b'{"amount": 1e99999999999999999999, "currency": "USD"}',
        b'{"amount": 1' + b"0" * 5000 + b', "currency": "USD"}',
        b'{"amount": 1, "currency": "USD", "description": "\\ud800"}',
        b'{"amount": 1, "currency": "USD", "metadata": {"x": "\\ud800"}}',
        b'{"amount": 1, "currency": "USD", "metadata": {"x": 1e400}}',
        b'{"amount": 1, "currency": "USD", "\\ud800": 1}',
        b"[" * 100_000,
    ],
)
def test_a_body_that_is_no_good_json_is_400_and_never_500(shared: Api, raw: bytes) -> None:
    headers = {"Content-Type": "application/json", "Idempotency-Key": "raw"}
    answer = shared.session.post(shared.url + INTENTS, data=raw, headers=headers, timeout=5)
    assert answer.status_code == 400, answer.text


def test_another_media_type_is_415(shared: Api) -> None:
    headers = {"Content-Type": "text/plain", "Idempotency-Key": "k"}
    answer = shared.session.post(shared.url + INTENTS, data=json.dumps(GOOD), headers=headers, timeout=5)
    assert code(answer) == (415, "unsupported_media_type")


def test_a_body_beyond_a_megabyte_is_413(shared: Api) -> None:
    headers = {"Content-Type": "application/json", "Idempotency-Key": "k"}
    answer = shared.session.post(shared.url + INTENTS, data=b" " * 1_100_000, headers=headers, timeout=10)
    assert code(answer) == (413, "body_too_large")


SHAPES: dict[str, tuple[str, dict[str, Any]]] = {
    "standard": ("application/json", {"error": {"code": "parameter_missing", "type": "invalid_request_error"}}),
    "flat": ("application/json", {"error": "parameter_missing"}),
    "legacy": ("application/json", {"error_code": "parameter_missing", "details": {"param": "amount"}}),
    "problem": ("application/problem+json", {"code": "parameter_missing", "status": 400, "title": "Bad Request"}),
}


def holds(whole: Any, part: Any) -> bool:
    if isinstance(part, dict):
        return all(name in whole and holds(whole[name], value) for name, value in part.items())
    return bool(whole == part)


@pytest.mark.parametrize("wanted", SHAPES)
def test_an_error_comes_in_the_shape_that_was_asked_for(shared: Api, wanted: str) -> None:
    answer = shared.post(INTENTS, {"currency": "USD"}, headers={"Molam-Error-Format": wanted})
    media_type, part = SHAPES[wanted]
    assert answer.headers["Content-Type"].startswith(media_type)
    assert holds(answer.json(), part)
    if wanted in ("legacy", "problem"):
        assert answer.json()["request_id"] == answer.headers["X-Molam-Request-Id"]


def test_the_whole_server_can_speak_another_shape() -> None:
    with Sandbox(error_format="legacy") as sandbox:
        answer = requests.get(sandbox.url + "/v1/nope", timeout=5)
    assert answer.json()["error_code"] == "not_found"


def test_a_wrong_method_is_told_the_right_ones(shared: Api) -> None:
    answer = shared.session.put(shared.url + INTENTS, timeout=5)
    assert (code(answer), answer.headers["Allow"]) == ((405, "method_not_allowed"), "POST, GET")


def test_every_answer_has_a_request_id(shared: Api) -> None:
    answers = [shared.get(INTENTS), shared.get("/nope"), shared.post(INTENTS), shared.post(INTENTS, GOOD)]
    ids = {answer.headers["X-Molam-Request-Id"] for answer in answers}
    assert len(ids) == len(answers)
