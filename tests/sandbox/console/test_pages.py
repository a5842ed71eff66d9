"""The console's files as they are served."""

from __future__ import annotations

import re

import pytest
import requests

from molam_sdk.sandbox import Sandbox

VIEWS = "payments requests deliveries ledger faults keys"
FILES = " ".join(["index.html console.css icon.svg app.js api.js dom.js", *(f"{view}.js" for view in VIEWS.split())])


@pytest.mark.parametrize("name", ["", *(f"console/{name}" for name in FILES.split())])
def test_each_file_comes_with_a_strict_policy_and_its_type(sandbox: Sandbox, name: str) -> None:
    answer = requests.get(f"{sandbox.url}/{name}", timeout=5)
    assert answer.status_code == 200
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_nothing_else_of_the_folder_is_served(sandbox: Sandbox) -> None:
    for name in ("nope.js", "..%2Fpages.py", "__init__.py"):
        assert requests.get(f"{sandbox.url}/console/{name}", timeout=5).status_code == 404


@pytest.mark.parametrize("name", FILES.split())
def test_no_file_names_another_origin_or_writes_markup(sandbox: Sandbox, name: str) -> None:
    text = requests.get(f"{sandbox.url}/console/{name}", timeout=5).text
    assert set(re.findall(r"https?://[^\s\"'<>]+", text)) <= {"http://www.w3.org/2000/svg"}
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(", text)
