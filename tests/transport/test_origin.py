"""Where calls go, what a proxy is told, and the time that is left."""

from __future__ import annotations

import base64
from urllib.parse import urlsplit

import pytest

from molam_sdk._core.wire import Failure
from molam_sdk._http.error import NoReplyError
from molam_sdk._transport import origin


@pytest.mark.parametrize(
    ("proxy", "pair"),
    [
        ("http://proxy:3128", None), ("http://us%65r:p%3Ass@proxy", b"user:p:ss"), ("http://user@proxy", b"user:"),
        ("http://user:@proxy", b"user:"), ("http://:secret@proxy", b":secret"),
    ],
)  # fmt: skip
def test_a_proxy_is_shown_the_credentials_of_its_url(proxy: str, pair: bytes | None) -> None:
    expected = None if pair is None else f"Basic {base64.b64encode(pair).decode()}"
    assert origin.proxy_authorization(urlsplit(proxy)) == expected


@pytest.mark.parametrize(
    ("base", "secure", "host", "port"),
    [
        ("https://api.test", True, "api.test", 443), ("http://localhost", False, "localhost", 80),
        ("https://[::1]:8443", True, "::1", 8443),
    ],
)  # fmt: skip
def test_an_origin_is_scheme_host_and_port(base: str, secure: bool, host: str, port: int) -> None:
    found = origin.origin_of(base, None)
    assert (found.secure, found.host, found.port) == (secure, host, port)


@pytest.mark.parametrize("url", ["https://api.test/v1/x?y=/z", "https://api.test/"])
def test_a_base_is_what_stands_before_the_path(url: str) -> None:
    assert origin.base_of(url) == "https://api.test"


def test_no_time_left_is_told_by_what_was_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(origin, "clock", lambda: 10.0)
    assert (origin.time_left(10.5), origin.time_left_to_connect(10.5)) == (0.5, 0.5)
    for deadline in (10.0, 9.0):
        with pytest.raises(TimeoutError, match=r"^the deadline has passed$"):
            origin.time_left(deadline)
        with pytest.raises(NoReplyError, match=r"^the deadline passed while connecting$") as caught:
            origin.time_left_to_connect(deadline)
        assert caught.value.failure is Failure.CONNECT_TIMEOUT
