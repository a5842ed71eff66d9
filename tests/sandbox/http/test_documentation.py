"""The interactive documentation."""

from __future__ import annotations

import re

import requests

from molam_sdk.sandbox import Sandbox


def test_the_interactive_documentation_needs_no_network(sandbox: Sandbox) -> None:
    page = requests.get(sandbox.url + "/docs", timeout=30)
    assert "//" not in page.text.replace("<!doctype", "")
    assets = re.findall(r'(?:href|src)="([^"]+)"', page.text)
    assert len(assets) == 3
    for asset in assets:
        answer = requests.get(sandbox.url + asset, timeout=30)
        assert (answer.status_code, len(answer.content) > 500) == (200, True)
    for outside in ("/docs/swagger-editor.js", "/docs/..%2f__init__.py", "/docs/LICENSE"):
        assert requests.get(sandbox.url + outside, timeout=30).status_code == 404
