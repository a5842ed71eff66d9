"""Browsers of other origins."""

from __future__ import annotations

import requests

from molam_sdk.sandbox import Sandbox
from tests.support.sandbox_api import INTENTS


def test_browsers_of_other_origins_are_let_in_only_by_configuration() -> None:
    asked = {"Origin": "https://shop.example", "Access-Control-Request-Method": "POST"}
    for origins, allowed in (((), None), (("https://shop.example",), "https://shop.example")):
        with Sandbox(cors_origins=origins) as sandbox:
            answer = requests.options(sandbox.url + INTENTS, headers=asked, timeout=30)
            assert answer.headers.get("Access-Control-Allow-Origin") == allowed
