"""Who may use the control paths."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from molam_sdk.sandbox import Sandbox


def control(sandbox: Sandbox, method: str, path: str, body: Any = None, **query: Any) -> requests.Response:
    return requests.request(method, f"{sandbox.url}/_sandbox{path}", json=body, params=query, timeout=10)


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
    assert requests.post(url, data="{}", headers=headers, timeout=5).status_code == status
