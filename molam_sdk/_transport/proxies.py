"""Which proxy stands before the API: the given one, or the environment's, read once."""

from __future__ import annotations

import urllib.request
from urllib.parse import urlsplit

from ..config import check_proxy, is_loopback


class ProxySettings:
    """Freezes the environment's answer at construction, so that a later change of it cannot redirect payments."""

    def __init__(self, explicit: str | None) -> None:
        self._explicit = check_proxy(explicit) if explicit else None
        self._environment: dict[str, str] = {} if explicit else dict(urllib.request.getproxies_environment())

    def proxy_for(self, url: str) -> str | None:
        """The proxy's URL for this base URL; loopback is never sent through the environment's proxy."""
        if self._explicit is not None:
            return self._explicit
        parts = urlsplit(url)
        host = parts.hostname or ""
        found = self._environment.get(parts.scheme) or self._environment.get("all")
        if not found or is_loopback(host) or _bypasses(host, self._environment):
            return None
        return check_proxy(found)


def _bypasses(host: str, proxies: dict[str, str]) -> bool:
    """Whether ``no_proxy`` names this host; the standard library knows its many forms."""
    bypass = urllib.request.proxy_bypass_environment  # type: ignore[attr-defined]  # missing in typeshed
    return bool(bypass(host, proxies))
