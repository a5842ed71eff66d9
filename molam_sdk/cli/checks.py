"""What `molam doctor` looks at: one function per question, each answering with findings."""

import http.client
import inspect
import netrc
import os
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Literal
from urllib.parse import SplitResult, urlsplit

from ..config import ClientConfig
from ..sync_client import MolamSyncClient

Level = Literal["ok", "warn", "fail"]
CERTIFICATE_DAYS = 21
# A webhook signature is good for 300 s; a clock further off refuses them all.
SKEW_SECONDS = 300.0
_KEYS = {"sk_live_": "live key", "sk_test_": "test key", "jwt_": "service token"}
_PROXY_VARIABLES = ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy")


@dataclass(frozen=True, slots=True)
class Finding:
    """One answer: what was looked at, how it stands, and a sentence."""

    name: str
    level: Level
    text: str


def _place(config: ClientConfig) -> tuple[SplitResult, str, int]:
    parts = urlsplit(config.url)
    return parts, parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)


def check_key(config: ClientConfig) -> list[Finding]:
    """Which kind of key it is; never the key."""
    if config.api_key is None:
        return [Finding("key", "fail", "no key: set MOLAM_API_KEY")]
    if callable(config.api_key):
        return [Finding("key", "ok", "asked of a function")]
    kind = next((kind for prefix, kind in _KEYS.items() if config.api_key.startswith(prefix)), "key of unknown kind")
    host = _place(config)[1]
    production = host.startswith("api") and host.endswith("molam.io")
    mismatch = (kind == "live key") != production and kind in ("live key", "test key")
    text = f"{kind}, for {host}"
    return [Finding("key", "warn" if mismatch else "ok", text + (": these do not belong together" if mismatch else ""))]


def check_proxies(config: ClientConfig) -> list[Finding]:
    """The proxy that calls go through, and proxies of the environment."""
    if config.proxy:
        return [Finding("proxy", "ok", f"through {urlsplit(config.proxy).hostname}")]
    named = [name for name in _PROXY_VARIABLES if os.environ.get(name)]
    if named:
        return [Finding("proxy", "warn", f"{', '.join(named)} stand in the environment: calls may go through a proxy")]
    return [Finding("proxy", "ok", "none")]


def check_netrc(config: ClientConfig) -> list[Finding]:
    """Whether ~/.netrc has a login for the host; other libraries would send it instead of the key."""
    host = _place(config)[1]
    try:
        found = netrc.netrc().authenticators(host)
    except FileNotFoundError:
        return [Finding("netrc", "ok", "no file")]
    except (OSError, netrc.NetrcParseError) as error:
        return [Finding("netrc", "warn", f"cannot be read: {type(error).__name__}")]
    if found:
        return [Finding("netrc", "warn", f"has a login for {host}; the SDK ignores it, bare requests would not")]
    return [Finding("netrc", "ok", f"nothing for {host}")]


def check_network(config: ClientConfig) -> list[Finding]:
    """DNS, then the connection, then TLS, then an answer: each only where the one before worked."""
    parts, host, port = _place(config)
    began = time.monotonic()
    try:
        addresses = {str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)}
    except OSError as error:
        return [Finding("dns", "fail", f"{host}: {error}")]
    milliseconds = (time.monotonic() - began) * 1000
    findings = [Finding("dns", "ok", f"{host}: {', '.join(sorted(addresses))} ({milliseconds:.0f} ms)")]
    try:
        if parts.scheme == "https":
            findings.append(_certificate(config, host, port))
        findings.append(_clock(config, parts, host, port))
    except ssl.SSLError as error:
        findings.append(Finding("tls", "fail", f"{host}:{port}: {error.reason or error}"))
    except (OSError, http.client.HTTPException) as error:
        findings.append(Finding("connect", "fail", f"{host}:{port}: {error}"))
    return findings


def _context(config: ClientConfig) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=config.ca_bundle)
    if config.mtls_cert:
        context.load_cert_chain(config.mtls_cert, config.mtls_key)
    return context


def _certificate(config: ClientConfig, host: str, port: int) -> Finding:
    plain = socket.create_connection((host, port), timeout=config.timeout_connect)
    with plain, _context(config).wrap_socket(plain, server_hostname=host) as secured:
        certificate = secured.getpeercert() or {}
        version = secured.version()
    days = (ssl.cert_time_to_seconds(str(certificate["notAfter"])) - time.time()) / 86400
    level: Level = "ok" if days > CERTIFICATE_DAYS else "warn"
    return Finding("tls", level, f"{version}, certificate good for {days:.0f} days")


def _clock(config: ClientConfig, parts: SplitResult, host: str, port: int) -> Finding:
    """This machine's clock against the Date of an answer."""
    if parts.scheme == "https":
        connection: http.client.HTTPConnection = http.client.HTTPSConnection(
            host, port, timeout=config.timeout_connect, context=_context(config)
        )
    else:
        connection = http.client.HTTPConnection(host, port, timeout=config.timeout_connect)
    try:
        before = time.time()
        connection.request("GET", "/healthz")
        answer = connection.getresponse()
        now = (before + time.time()) / 2
        date = answer.getheader("Date")
    finally:
        connection.close()
    if date is None:
        return Finding("clock", "warn", f"answered {answer.status} without a Date")
    skew = now - parsedate_to_datetime(date).timestamp()
    level: Level = "ok" if abs(skew) < SKEW_SECONDS else "fail"
    return Finding("clock", level, f"{abs(skew):.0f} s {'ahead' if skew > 0 else 'behind'} (answer {answer.status})")


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


CHECKS: tuple[Callable[[ClientConfig], list[Finding]], ...] = (
    check_key,
    check_proxies,
    check_netrc,
    check_network,
    check_retries,
    check_breaker,
)
