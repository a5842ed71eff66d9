"""Our adapter of requests: one way to each origin, made once."""

from __future__ import annotations

from typing import Any

import pytest
from requests import Request

from molam_sdk import ClientConfig
from molam_sdk._transport.blocking import adapter as adapter_module
from molam_sdk._transport.blocking.adapter import SocketAdapter
from molam_sdk._transport.blocking.route import Route

pytestmark = pytest.mark.usefixtures("no_environment")


def test_the_way_to_an_origin_is_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made = list[str]()

    class Noted(Route):
        def __init__(self, *arguments: Any) -> None:
            made.append(arguments[2].base)
            super().__init__(*arguments)

    monkeypatch.setattr(adapter_module, "Route", Noted)
    adapter = SocketAdapter(ClientConfig(api_key="sk_live_1"))
    urls = ["https://api.test/v1/a", "https://api.test/v1/b", "https://eu.test/v1/a", "https://api.test/v1/a"]
    ways = [adapter.get_connection_with_tls_context(Request("GET", url).prepare()) for url in urls]
    assert made == ["https://api.test", "https://eu.test"]
    assert ways[0] is ways[1] is ways[3] is not ways[2]
    adapter.close()
