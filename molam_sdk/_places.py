"""Where calls may go: environments, regions, URLs and proxies, checked without ever repeating what was given."""

from __future__ import annotations

import ipaddress
from typing import Final
from urllib.parse import urlsplit

from ._shown import meant
from .exceptions import ConfigurationError

ENVIRONMENTS: Final = {
    "production": "https://api.molam.io",
    "staging": "https://staging.api.molam.io",
    "sandbox": "https://sandbox.api.molam.io",
}
REGIONS: Final = {
    "us-east": "https://api-us-east.molam.io",
    "eu-west": "https://api-eu-west.molam.io",
    "ap-south": "https://api-ap-south.molam.io",
}
LIVE_URLS: Final = (ENVIRONMENTS["production"], *REGIONS.values())
TEST_URLS: Final = (ENVIRONMENTS["staging"], ENVIRONMENTS["sandbox"])
_KEYS: Final = ("sk_", "jwt_", "whsec_")
_PROXY_SCHEMES: Final = ("http", "https", "socks5", "socks5h", "socks4", "socks4a")


def url_of(base_url: str | None, environment: str | None, region: str | None) -> str:
    """The URL that these three say together; ``ConfigurationError`` where they contradict each other."""
    if base_url is None:
        if region is not None and environment in (None, "production"):
            return region_url(region)
        return _environment_url(environment or "production")
    if environment is not None and _environment_url(environment) != base_url:
        raise ConfigurationError("Give environment or base_url, not both")
    if region is not None:
        region_url(region)
    return check_base_url(ENVIRONMENTS.get(base_url, base_url))


def region_url(region: str) -> str:
    """The base URL of a region."""
    if not isinstance(region, str) or region not in REGIONS:
        raise ConfigurationError(f"Unknown region{meant(region, REGIONS)}")
    return REGIONS[region]


def check_base_url(url: str) -> str:
    """Accept https, or http on loopback only; no query, no credentials, no trailing slash kept."""
    if not isinstance(url, str) or not url.strip():
        raise ConfigurationError("base_url is empty: leave it out for production, or give an https URL")
    url = url.strip().rstrip("/")
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError:
        raise ConfigurationError("base_url is not a URL: its host or port cannot be read") from None
    if parts.scheme not in ("https", "http") or not host or not url.isascii() or any(c <= " " for c in url):
        raise ConfigurationError("base_url must be an https URL, or the name of an environment")
    if parts.query or parts.fragment or "@" in parts.netloc:
        raise ConfigurationError("base_url must not hold a query, a fragment or credentials")
    if parts.scheme == "http" and not is_loopback(host):
        raise ConfigurationError("base_url must be https (http only for loopback): http would send the key in clear")
    return url


def check_proxy(url: str) -> str:
    """Accept ``scheme://[user:password@]host[:port]``; ``ConfigurationError`` never repeats the credentials."""
    full = url if "://" in url else f"http://{url}"
    try:
        parts = urlsplit(full)
        usable = parts.scheme in _PROXY_SCHEMES and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or url.startswith(_KEYS):
        raise ConfigurationError(f"proxy must be a URL that begins with one of {', '.join(_PROXY_SCHEMES)}")
    return full


def check_http_proxy(url: str) -> str:
    """The same for our own sockets, which speak to ``http://`` proxies only."""
    full = check_proxy(url)
    scheme = urlsplit(full).scheme
    if scheme != "http":
        raise ConfigurationError(
            f"a {scheme}:// proxy needs an adapter of requests: give the client "
            "transport=molam_sdk.transports.RequestsTransport(config, adapter=requests.adapters.HTTPAdapter()) "
            "(SOCKS: pip install 'requests[socks]'). An http:// proxy works as it is: HTTPS calls go through it in a "
            "CONNECT tunnel, encrypted end to end"
        )
    return full


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, by its very name: no lookup, which could be lied to."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _environment_url(name: str) -> str:
    if not isinstance(name, str) or name not in ENVIRONMENTS:
        raise ConfigurationError(f"Unknown environment{meant(name, ENVIRONMENTS)}, or base_url")
    return ENVIRONMENTS[name]
