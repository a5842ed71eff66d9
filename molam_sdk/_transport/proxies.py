"""Which proxy stands before the API: the given one, or the environment's, read once."""

from __future__ import annotations

import urllib.request
from urllib.parse import urlsplit

from ..config import ClientConfig, check_http_proxy, check_proxy, is_loopback


class ProxySettings:
    """Freezes the environment's answer at construction, so that a later change of it cannot redirect payments.

    ``ConfigurationError`` at construction for a proxy that cannot be used: ``through_adapter`` allows those that an
    adapter of requests knows and our own sockets do not.
    """

    def __init__(self, config: ClientConfig, *, through_adapter: bool = False) -> None:
        self._check = check_proxy if through_adapter else check_http_proxy
        self._explicit = self._check(config.proxy) if config.proxy else None
        self._environment: dict[str, str] = {} if config.proxy else dict(urllib.request.getproxies_environment())
        self.proxy_for(config.url)

    def proxy_for(self, url: str) -> str | None:
        """The proxy's URL for this base URL; loopback is never sent through the environment's proxy."""
        if self._explicit is not None:
            return self._explicit
        parts = urlsplit(url)
        host = parts.hostname or ""
        found = self._environment.get(parts.scheme) or self._environment.get("all")
        if not found or is_loopback(host) or _bypasses(host, self._environment):
            return None
        return self._check(found)


def _bypasses(host: str, proxies: dict[str, str]) -> bool:
    """Whether ``no_proxy`` names this host; the standard library knows its many forms."""
    bypass = urllib.request.proxy_bypass_environment  # type: ignore[attr-defined]  # missing in typeshed
    return bool(bypass(host, proxies))
