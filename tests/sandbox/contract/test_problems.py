"""The shapes an error is written in."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from molam_sdk.sandbox import Sandbox
from tests.support.sandbox_api import INTENTS, Api

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
        answer = requests.get(sandbox.url + "/v1/nope", timeout=30)
    assert answer.json()["error_code"] == "not_found"
