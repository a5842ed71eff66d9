"""Methods, request ids, health and figures."""

from __future__ import annotations

import pytest
import requests

from molam_sdk.sandbox import Sandbox
from tests.support.sandbox_api import INTENTS, Api, code

GOOD = {"amount": 1, "currency": "USD"}


def test_a_wrong_method_is_told_the_right_ones(shared: Api) -> None:
    answer = shared.session.put(shared.url + INTENTS, timeout=30)
    assert (code(answer), answer.headers["Allow"]) == ((405, "method_not_allowed"), "POST, GET")


def test_every_answer_has_a_request_id(shared: Api) -> None:
    answers = [shared.get(INTENTS), shared.get("/nope"), shared.post(INTENTS), shared.post(INTENTS, GOOD)]
    ids = {answer.headers["X-Molam-Request-Id"] for answer in answers}
    assert len(ids) == len(answers)


@pytest.mark.parametrize(
    ("path", "part"), [("/healthz", "ok"), ("/readyz", "ready"), ("/metrics", "molam_sandbox_requests_total")]
)
def test_it_can_be_watched(sandbox: Sandbox, path: str, part: str) -> None:
    answer = requests.get(sandbox.url + path, timeout=30)
    assert answer.status_code == 200
    assert part in answer.text
