"""How a client is set up: data, validated once, its repr without secrets."""

from __future__ import annotations

import copy
import ipaddress
import os
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from .exceptions import ConfigurationError
from .money import parse_currency

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
_LIVE_URLS: Final = (ENVIRONMENTS["production"], *REGIONS.values())
_PROXY_SCHEMES: Final = ("http", "https", "socks5", "socks5h", "socks4", "socks4a")
_TEST_URLS: Final = (ENVIRONMENTS["staging"], ENVIRONMENTS["sandbox"])

MOST_SECONDS: Final = 1e9
"""The longest time a call may be given, some thirty years: the clocks of sockets and locks end at nine times that."""

ApiKey = str | Callable[[], str] | None


class MolamConfigurationWarning(UserWarning):
    """A set-up that works but is probably not what was meant."""


@dataclass(frozen=True, slots=True)
class ClientConfig:
    """The settings of a client. All times are seconds. ``ConfigurationError`` names what is wrong.

    ``api_key``: ``sk_…``, ``jwt_…``, or a callable that returns one (asked again once after a 401).
    ``base_url``: a URL, or the name of an environment; by default ``environment``'s, or ``region``'s.
    ``timeout_total``: the most a call takes, with DNS, connect, TLS, answer, retries and sleeps.
    ``default_currency``: of payloads that name none; without it a missing currency is refused.
    ``max_retries``: attempts after the first. ``remembered_keys``: how many idempotency keys in doubt a client
    remembers. ``bulkheads``: calls in flight at most, by operation group (``payments``, ``refunds``, ``payouts``,
    ``merchants``, ``webhooks``, ``other``).
    """

    api_key: ApiKey = field(default=None, repr=False)
    base_url: str | None = None
    environment: str | None = None
    region: str | None = None
    timeout_connect: float = 1.0
    timeout_read: float = 10.0
    timeout_total: float = 30.0
    max_retries: int = 3
    retry_backoff_factor: float = 0.3
    retry_backoff_max: float = 8.0
    retry_after_max: float = 30.0
    retry_budget: int = 500
    remembered_keys: int = 10_000
    retry_cost: int = 5
    retry_cost_timeout: int = 10
    pool_size: int = 64
    pool_idle_seconds: float = 55.0
    max_body_bytes: int = 8 * 1024 * 1024
    bulkheads: Mapping[str, int] = field(default_factory=dict)
    bulkhead_wait: float = 0.0
    verify_ssl: bool = True
    ca_bundle: str | None = None
    mtls_cert: str | None = None
    mtls_key: str | None = None
    proxy: str | None = field(default=None, repr=False)
    default_currency: str | None = None
    default_locale: str = "en"
    debug: bool = False

    def __post_init__(self) -> None:
        _set(self, "base_url", _resolve_url(self))
        if self.default_currency is not None:
            _set(self, "default_currency", _checked("default_currency", parse_currency, self.default_currency))
        _check_key(self.api_key)
        if self.proxy is not None:
            check_proxy(self.proxy)
        _check_numbers(self)
        _check_files(self)
        _check_header_safe("default_locale", self.default_locale)
        self._refuse_or_warn()

    @property
    def url(self) -> str:
        """The base URL that calls go to."""
        assert self.base_url is not None  # noqa: S101 - set by __post_init__; tells the type checker
        return self.base_url

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None, **overrides: Any) -> ClientConfig:
        """Read ``MOLAM_<FIELD>`` for every field (``MOLAM_API_KEY``, ``MOLAM_TIMEOUT_TOTAL``, …).

        Keyword arguments win over the environment. Empty variables count as not set.
        """
        source = os.environ if environ is None else environ
        values: dict[str, Any] = {}
        for item in fields(cls):
            text = source.get(f"MOLAM_{item.name.upper()}", "").strip()
            if text and item.name != "bulkheads":
                values[item.name] = _parse_text(item.name, text, item.default)
        return cls(**(values | overrides))

    def changed(self, **changes: Any) -> ClientConfig:
        """This configuration with another key or another place to send to, which the caller has checked.

        The files and numbers that were right at the start are not looked at again: a certificate that was rotated
        away since must not stop a new API key.
        """
        new = copy.copy(self)
        for name, value in changes.items():
            _set(new, name, value)
        _check_key(new.api_key)
        new._refuse_unverified()
        return new

    def _refuse_unverified(self) -> None:
        key = self.api_key if isinstance(self.api_key, str) else ""
        if key.startswith(("sk_live_", "jwt_")) and not self.verify_ssl:
            raise ConfigurationError(
                "verify_ssl=False with a live key: anyone on the way could read and change payments"
            )

    def _refuse_or_warn(self) -> None:
        self._refuse_unverified()
        key = self.api_key if isinstance(self.api_key, str) else ""
        if self.api_key is None:
            _warn("No api_key: every call will be answered 401 until set_api_key() is called")
        elif key.startswith("sk_test_") and self.url in _LIVE_URLS:
            _warn(f"A test key (sk_test_…) is used on the production URL {self.url}")
        elif key.startswith("sk_live_") and self.url in _TEST_URLS:
            _warn(f"A live key (sk_live_…) is used on the test URL {self.url}")


def check_api_key(key: object) -> str:
    """Refuse what cannot be a Molam key, without ever repeating it in the message."""
    if not isinstance(key, str) or not key.startswith(("sk_", "jwt_")):
        raise ConfigurationError("api_key must begin with 'sk_' or 'jwt_': copy it from the Molam dashboard")
    _check_header_safe("api_key", key)
    return key


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, by its very name: no lookup, which could be lied to."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def region_url(region: str) -> str:
    """The base URL of a region."""
    if region not in REGIONS:
        raise ConfigurationError(f"Unknown region {region!r}: use one of {', '.join(REGIONS)}")
    return REGIONS[region]


def _set(config: ClientConfig, name: str, value: object) -> None:
    object.__setattr__(config, name, value)


def _warn(message: str) -> None:
    # From _warn over _refuse_or_warn, __post_init__ and __init__ to the line that built the config.
    warnings.warn(message, MolamConfigurationWarning, stacklevel=5)


def _resolve_url(config: ClientConfig) -> str:
    if config.base_url is None:
        if config.region is not None and config.environment in (None, "production"):
            return region_url(config.region)
        return _environment_url(config.environment or "production")
    if config.environment is not None and _environment_url(config.environment) != config.base_url:
        raise ConfigurationError("Give environment or base_url, not both")
    if config.region is not None:
        region_url(config.region)
    return check_base_url(ENVIRONMENTS.get(config.base_url, config.base_url))


def _environment_url(name: str) -> str:
    if name not in ENVIRONMENTS:
        raise ConfigurationError(f"Unknown environment {name!r}: use one of {', '.join(ENVIRONMENTS)}, or base_url")
    return ENVIRONMENTS[name]


def check_base_url(url: str) -> str:
    """Accept https, or http on loopback only; no query, no credentials, no trailing slash kept."""
    if not isinstance(url, str) or not url.strip():
        raise ConfigurationError("base_url is empty: leave it out for production, or give an https URL")
    url = url.strip().rstrip("/")
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError as problem:
        raise ConfigurationError(f"base_url is not a URL: {problem}") from None
    if parts.scheme not in ("https", "http") or not host or not url.isascii() or any(c <= " " for c in url):
        raise ConfigurationError(f"base_url must be an https URL, not {url!r}")
    if parts.scheme == "http" and not is_loopback(host):
        raise ConfigurationError(
            f"base_url must be https (http only for loopback): {url!r} would send the key in clear"
        )
    if parts.query or parts.fragment or "@" in parts.netloc:
        raise ConfigurationError("base_url must not hold a query, a fragment or credentials")
    return url


def check_proxy(url: str) -> str:
    """Accept ``scheme://[user:password@]host[:port]``; ``ConfigurationError`` never repeats the credentials."""
    full = url if "://" in url else f"http://{url}"
    try:
        parts = urlsplit(full)
        usable = parts.scheme in _PROXY_SCHEMES and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
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


def _check_key(key: ApiKey) -> None:
    if key is not None and not callable(key):
        check_api_key(key)


def _check_header_safe(name: str, value: str) -> None:
    if not value.isascii() or not value.isprintable() or value != value.strip():
        raise ConfigurationError(f"{name} must be printable ASCII without spaces around it")


_POSITIVE: Final = (
    "timeout_connect",
    "timeout_read",
    "timeout_total",
    "retry_backoff_max",
    "pool_size",
    "pool_idle_seconds",
    "max_body_bytes",
)
_NOT_NEGATIVE: Final = (
    "max_retries",
    "retry_backoff_factor",
    "retry_after_max",
    "retry_budget",
    "remembered_keys",
    "retry_cost",
    "retry_cost_timeout",
    "bulkhead_wait",
)


def _check_numbers(config: ClientConfig) -> None:
    for name in _POSITIVE + _NOT_NEGATIVE:
        value = getattr(config, name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ConfigurationError(f"{name} must be a number, not {value!r}")
        if not 0 <= value <= _most(name) or (name in _POSITIVE and value == 0):
            raise ConfigurationError(f"{name} must be a positive number up to {_most(name):g}, not {_shown(value)}")
    for group, limit in config.bulkheads.items():
        if not isinstance(limit, int) or limit < 1:
            raise ConfigurationError(f"bulkheads[{group!r}] must be a whole number from 1, not {limit!r}")


def _most(name: str) -> float:
    return MOST_SECONDS if name.startswith("timeout_") else 1e18


def _shown(number: float) -> str:
    return "that" if isinstance(number, int) and number > 1e18 else repr(number)  # 10**5000 has no text


def _check_files(config: ClientConfig) -> None:
    for name in ("ca_bundle", "mtls_cert", "mtls_key"):
        path = getattr(config, name)
        if path is not None and not Path(path).exists():
            raise ConfigurationError(f"{name}: no such file: {path}")
    if config.mtls_key is not None and config.mtls_cert is None:
        raise ConfigurationError("mtls_key without mtls_cert: give both")


def _checked(name: str, check: Callable[[object], str], value: object) -> str:
    try:
        return check(value)
    except ValueError as problem:
        raise ConfigurationError(f"{name}: {problem}") from None


_BOOLEANS: Final = {
    "1": True,
    "true": True,
    "yes": True,
    "on": True,
    "0": False,
    "false": False,
    "no": False,
    "off": False,
}


def _parse_text(name: str, text: str, default: object) -> object:
    try:
        if isinstance(default, bool):
            return _BOOLEANS[text.lower()]
        if isinstance(default, int | float):
            return type(default)(text)
    except (KeyError, ValueError):
        raise ConfigurationError(f"MOLAM_{name.upper()} must be a {type(default).__name__}, not {text!r}") from None
    return text
