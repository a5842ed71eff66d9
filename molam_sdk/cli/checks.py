"""What `molam doctor` sees without the network: the key, what stands in the environment, retries and breaker."""

import inspect
import netrc
import os
import time
from urllib.parse import urlsplit

from .._api_key import ApiKeySource
from .._service_token import expires_at
from ..config import ClientConfig
from ..exceptions import MolamError
from ..sync_client import MolamSyncClient
from .finding import Finding, Level

# A source that hands out a token with less than this left does not renew it ahead.
_SOURCE_SECONDS = 60.0
_RENEWED = "give a source that renews it (MOLAM_API_KEY_FILE, molam_sdk.secrets)"
_PROXIES = "calls may go through a proxy; say so with MOLAM_PROXY, or unset them"
_KEYS = {"sk_live_": "live key", "sk_test_": "test key", "jwt_": "service token"}
_PROXY_VARIABLES = ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy")


def _host(config: ClientConfig) -> str:
    return urlsplit(config.url).hostname or ""


def check_key(config: ClientConfig) -> list[Finding]:
    """Which kind of key it is; never the key."""
    if config.api_key is None:
        return [Finding("key", "fail", "no key: set MOLAM_API_KEY or MOLAM_API_KEY_FILE")]
    key = _key_in_force(config)
    if isinstance(key, Finding):
        return [key]
    kind = next((kind for prefix, kind in _KEYS.items() if key.startswith(prefix)), "key of unknown kind")
    host = _host(config)
    production = host.startswith("api") and host.endswith("molam.io")
    mismatch = (kind == "live key") != production and kind in ("live key", "test key")
    text = f"{kind}, for {host}"
    return [
        Finding(
            "key",
            "warn" if mismatch else "ok",
            text + (": these do not belong together, correct the key or MOLAM_BASE_URL" if mismatch else ""),
        )
    ]


def _key_in_force(config: ClientConfig) -> str | Finding:
    """The key as a call would be sent with it, asked of its source; or why there is none."""
    source = ApiKeySource(config.api_key)
    asking = None if source.authorization() else source.ask()
    if asking is not None and not asking.wait(config.timeout_total):
        return Finding("key", "fail", f"its source gave none within {config.timeout_total:g} s")
    try:
        authorization = source.authorization() if asking is None else asking.result()
    except BaseException as problem:  # noqa: BLE001 - whatever the source raised
        said = str(problem) if isinstance(problem, MolamError | OSError) else type(problem).__name__
        return Finding("key", "fail", f"cannot be had: {said}")
    return (authorization or "").removeprefix("Bearer ")


def check_expiry(config: ClientConfig) -> list[Finding]:
    """How long a service token is still good for, and whether anything renews it."""
    key = None if config.api_key is None else _key_in_force(config)
    expiry = expires_at(key) if isinstance(key, str) else None
    if expiry is None:
        return []
    left = expiry - time.time()
    if left <= 0:
        return [Finding("expiry", "fail", f"expired {-left:.0f} s ago by this machine's clock: {_RENEWED}")]
    if callable(config.api_key):
        level: Level = "warn" if left < _SOURCE_SECONDS else "ok"
        return [Finding("expiry", level, f"{left:.0f} s left, renewed by its source")]
    text = f"{left:.0f} s left, and nothing renews it: {_RENEWED}"
    return [Finding("expiry", "warn", text)]


def check_proxies(config: ClientConfig) -> list[Finding]:
    """The proxy that calls go through, and proxies of the environment."""
    if config.proxy:
        return [Finding("proxy", "ok", f"through {urlsplit(config.proxy).hostname}")]
    named = [name for name in _PROXY_VARIABLES if os.environ.get(name)]
    if named:
        return [Finding("proxy", "warn", f"{', '.join(named)} stand in the environment: {_PROXIES}")]
    return [Finding("proxy", "ok", "none")]


def check_netrc(config: ClientConfig) -> list[Finding]:
    """Whether ~/.netrc has a login for the host; other libraries would send it instead of the key."""
    host = _host(config)
    try:
        found = netrc.netrc().authenticators(host)
    except FileNotFoundError:
        return [Finding("netrc", "ok", "no file")]
    except (OSError, netrc.NetrcParseError) as error:
        return [Finding("netrc", "warn", f"cannot be read ({type(error).__name__}): correct or remove it")]
    if found:
        return [
            Finding("netrc", "warn", f"has a login for {host}; the SDK ignores it, bare requests would not: remove it")
        ]
    return [Finding("netrc", "ok", f"nothing for {host}")]


def check_retries(config: ClientConfig) -> list[Finding]:
    """The longest pause before each retry, and what bounds the whole call."""
    ceilings = [
        min(config.retry_backoff_max, config.retry_backoff_factor * 2**retry) for retry in range(config.max_retries)
    ]
    pauses = ", ".join(f"0 to {ceiling:g} s" for ceiling in ceilings) or "none"
    return [Finding("retries", "ok", f"pauses {pauses}; a call takes at most {config.timeout_total:g} s in all")]


def check_breaker(config: ClientConfig) -> list[Finding]:
    """The breaker of a MolamSyncClient as it is made without further arguments."""
    defaults = {name: p.default for name, p in inspect.signature(MolamSyncClient.__init__).parameters.items()}
    outages, pause = defaults["cb_fail_max"], defaults["cb_reset_timeout"]
    return [Finding("breaker", "ok", f"opens after {outages} outages in a row, for {pause:g} s")]
