"""Which proxy stands before the API: the given one, or the environment's, read once."""

from __future__ import annotations

import ipaddress
import urllib.request
from urllib.parse import urlsplit

from ..config import ClientConfig, check_http_proxy, check_proxy, is_loopback
from ..exceptions import ConfigurationError


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
        parts = urlsplit(url)
        if self._explicit is not None:
            _refuse_clear_text(parts.scheme, self._explicit)
            return self._explicit
        host = parts.hostname or ""
        found = self._environment.get(parts.scheme) or self._environment.get("all")
        if not found or is_loopback(host) or _bypasses(host, self._environment):
            return None
        return self._check(found)


def _refuse_clear_text(scheme: str, proxy: str) -> None:
    """``http://`` is for this machine alone: through a proxy elsewhere the API key would travel in clear."""
    if scheme == "http" and not is_loopback(urlsplit(proxy).hostname or ""):
        raise ConfigurationError(
            "base_url is http and the proxy is not on this machine: the key would be sent in clear. Leave the proxy "
            "out for a base_url on loopback, or give an https base_url"
        )


def _bypasses(host: str, proxies: dict[str, str]) -> bool:
    """Whether ``no_proxy`` names this host; the standard library knows its many forms, but no networks."""
    bypass = urllib.request.proxy_bypass_environment  # type: ignore[attr-defined]  # missing in typeshed
    return bool(bypass(host, proxies)) or _is_within(host, proxies.get("no", ""))


def _is_within(host: str, no_proxy: str) -> bool:
    """Whether the host is an address in one of the networks: ``10.0.0.0/8``, ``fd00::/8``, ``[::1]``."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return any(address in network for network in map(_network, no_proxy.split(",")) if network is not None)


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(text.strip().strip("[]"), strict=False)
    except ValueError:
        return None
