"""Which proxy stands before the API: the given one, or the environment's, read once."""

from __future__ import annotations

import urllib.request
from urllib.parse import urlsplit

from ..exceptions import ConfigurationError


class ProxySettings:
    """Freezes the environment's answer at construction, so that a later change of it cannot redirect payments."""

    def __init__(self, explicit: str | None) -> None:
        self._explicit = _checked(explicit) if explicit else None
        self._environment: dict[str, str] = {} if explicit else dict(urllib.request.getproxies_environment())

    def proxy_for(self, url: str) -> str | None:
        """The proxy's URL for this base URL; loopback is never sent through the environment's proxy."""
        if self._explicit is not None:
            return self._explicit
        parts = urlsplit(url)
        host = parts.hostname or ""
        found = self._environment.get(parts.scheme) or self._environment.get("all")
        loopback = host in ("localhost", "::1") or host.startswith("127.")
        if not found or loopback or _bypasses(host, self._environment):
            return None
        return _checked(found)


def _bypasses(host: str, proxies: dict[str, str]) -> bool:
    """Whether ``no_proxy`` names this host; the standard library knows its many forms."""
    bypass = urllib.request.proxy_bypass_environment  # type: ignore[attr-defined]  # missing in typeshed
    return bool(bypass(host, proxies))


def _checked(url: str) -> str:
    """Accept ``http://[user:password@]host[:port]``; ``ConfigurationError`` never repeats the credentials."""
    full = url if "://" in url else f"http://{url}"
    parts = urlsplit(full)
    try:
        usable = parts.scheme == "http" and bool(parts.hostname) and (parts.port or 80) > 0
    except ValueError:
        usable = False
    if not usable:
        raise ConfigurationError(
            f"proxy must be an http:// URL ({parts.scheme}:// proxies are not supported): "
            "HTTPS calls go through it in a CONNECT tunnel, encrypted end to end"
        )
    return full
