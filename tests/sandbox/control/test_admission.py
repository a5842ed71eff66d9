"""Who may use the control paths."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from molam_sdk.sandbox import Sandbox


def control(sandbox: Sandbox, method: str, path: str, body: Any = None, **query: Any) -> requests.Response:
    return requests.request(method, f"{sandbox.url}/_sandbox{path}", json=body, params=query, timeout=30)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/faults", {"kind": "explode"}),
        ("/faults", {"kind": "status", "statu": 1}),
        ("/faults", {}),
        ("/faults", []),
        ("/clock/advance", {"weeks": 1}),
        ("/clock/advance", {"hours": "many"}),
        ("/clock/advance", {"hours": -1}),
        ("/clock/advance", {"days": 1e12}),
        ("/events", {"type": "payment.exploded"}),
        ("/events", {"type": "payment.succeeded", "data": 5}),
    ],
)
def test_what_does_not_fit_is_400_with_a_sentence(sandbox: Sandbox, path: str, body: Any) -> None:
    answer = control(sandbox, "POST", path, body)
    assert answer.status_code == 400
    assert answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Type": "application/x-www-form-urlencoded"}, 415),
        ({"Content-Type": "application/json", "Host": "evil.example"}, 403),
        ({"Content-Type": "application/json"}, 204),
    ],
)
def test_a_web_page_cannot_reach_the_control_paths(sandbox: Sandbox, headers: dict[str, str], status: int) -> None:
    url = f"{sandbox.url}/_sandbox/webhooks/wait"
    assert requests.post(url, data="{}", headers=headers, timeout=30).status_code == status


def test_another_page_of_this_machine_cannot_reach_the_control_paths_even_where_it_may_call_the_api() -> None:
    origin = "http://localhost:3000"
    with Sandbox(cors_origins=[origin]) as sandbox:
        url = f"{sandbox.url}/_sandbox/clock"
        answer = requests.get(url, headers={"Origin": origin}, timeout=30)
        assert (answer.status_code, "Access-Control-Allow-Origin" in answer.headers) == (403, False)
        assert requests.get(url, headers={"Origin": sandbox.url}, timeout=30).status_code == 200
        asked = {"Origin": origin, "Access-Control-Request-Method": "POST"}
        assert "Access-Control-Allow-Origin" not in requests.options(url, headers=asked, timeout=30).headers


def test_a_token_lets_in_who_sends_it_and_nobody_else() -> None:
    with Sandbox(control_token="open-sesame") as sandbox:
        url = f"{sandbox.url}/_sandbox/clock"
        sent = [{}, {"Molam-Sandbox-Token": "wrong"}, {"Molam-Sandbox-Token": "open-sesame"}]
        assert [requests.get(url, headers=headers, timeout=30).status_code for headers in sent] == [401, 401, 200]
    with pytest.raises(ValueError, match="control_token"):
        Sandbox(control_token="short")
