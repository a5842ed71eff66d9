"""One webhook posted to a shop, byte for byte, and how the shop answered."""

import time
from collections.abc import Mapping
from dataclasses import dataclass

import requests

_TIMEOUT_SECONDS = 30.0
# Of one connection, not of the message (RFC 9110 §7.6.1), and what the request to the shop has of its own.
_NOT_FORWARDED = frozenset(
    "connection content-length host keep-alive proxy-connection te trailer transfer-encoding upgrade".split()
)


@dataclass(frozen=True, slots=True)
class ShopAnswer:
    """``status`` is None where no answer came; then ``text`` says why."""

    status: int | None
    text: str
    seconds: float

    @property
    def taken(self) -> bool:
        """Whether Molam would send it no more because all is well."""
        return self.status is not None and 200 <= self.status < 300

    def __str__(self) -> str:
        return f"{self.status or 'no answer':<9} {self.seconds * 1000:6.0f} ms  {self.text[:200]}"


def forward(url: str, body: bytes, headers: Mapping[str, str]) -> ShopAnswer:
    """Post it, past proxies and netrc of this machine; redirects are not followed, as Molam follows none."""
    forwarded = {name: value for name, value in headers.items() if name.lower() not in _NOT_FORWARDED}
    began = time.perf_counter()
    try:
        with requests.Session() as session:
            session.trust_env = False
            answer = session.post(url, data=body, headers=forwarded, timeout=_TIMEOUT_SECONDS, allow_redirects=False)
            text = " ".join(answer.text.split())
    except requests.RequestException as error:
        return ShopAnswer(None, str(error), time.perf_counter() - began)
    return ShopAnswer(answer.status_code, text, time.perf_counter() - began)
