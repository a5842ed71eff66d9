"""What `molam doctor` sees of the way to Molam: the name, the proxy, TLS, opened as the client opens them."""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from .._core.wire import Failure
from .._http.error import NoReplyError
from .._transport.blocking.connect import Connector
from .._transport.dns import resolve
from .._transport.origin import Origin, base_of, clock, origin_of
from .._transport.proxies import ProxySettings
from .._transport.recording import RecorderCheck
from .._transport.tls import TlsSettings
from ..config import ClientConfig
from ..exceptions import ConfigurationError
from .finding import Finding, Level

CERTIFICATE_DAYS: Final = 21

_CA: Final = "where its CA is your own, name the file of that CA in MOLAM_CA_BUNDLE"
_CLOCKS: Final = "or this machine's clock is wrong"
# By what OpenSSL says of a certificate; the first that is found counts.
_OF_CERTIFICATES: Final = (
    ("our certificate", "give one that Molam knows and that is still good in MOLAM_MTLS_CERT and MOLAM_MTLS_KEY"),
    ("expired", f"whoever runs the server must renew it, {_CLOCKS}"),
    ("not yet valid", f"it begins later, {_CLOCKS}"),
    ("mismatch", "it is another host's: correct MOLAM_BASE_URL, or have the host named in it"),
    ("", _CA),
)
_ADVICE: Final = {
    Failure.DNS: "correct the host in MOLAM_BASE_URL, or this machine's DNS",
    Failure.CONNECT: "nothing listens there, or a firewall refuses: allow outgoing connections, or correct the address",
    Failure.CONNECT_TIMEOUT: "a firewall may be in the way: allow outgoing connections, or correct the address",
    Failure.PROXY: "correct MOLAM_PROXY or HTTPS_PROXY: address, user and password, and what it lets through",
    Failure.TLS: "what listens there may speak no TLS, or older than 1.2: correct scheme and port of MOLAM_BASE_URL",
}
_NAMES: Final = {Failure.DNS: "dns", Failure.PROXY: "proxy", Failure.TLS: "tls", Failure.CERTIFICATE: "tls"}


def check_network(config: ClientConfig) -> list[Finding]:
    """The name, then the connection, the proxy's tunnel and TLS: each only where the one before worked."""
    try:
        origin = origin_of(base_of(config.url + "/"), ProxySettings(config).proxy_for(config.url))
    except ConfigurationError as problem:
        return [Finding("proxy", "fail", problem.message)]
    try:
        return [*_opened(origin, TlsSettings(config), config)]
    except ConfigurationError as problem:
        return [Finding("tls", "fail", f"{problem.message}: correct the paths, or let this user read the files")]


def check_verification(config: ClientConfig) -> list[Finding]:
    """Whether the server's certificate is verified."""
    if config.verify_ssl:
        return []
    text = "MOLAM_VERIFY_SSL is off, so anybody on the way can read and change calls: unset it, "
    return [Finding("verify", "warn", text + "and name the file of a CA of your own in MOLAM_CA_BUNDLE")]


def _opened(origin: Origin, tls: TlsSettings, config: ClientConfig) -> Iterator[Finding]:
    try:
        yield _name(origin, config.timeout_connect)
        connection = Connector(origin, tls, config.timeout_connect, RecorderCheck()).open(
            clock() + config.timeout_total
        )
    except NoReplyError as problem:
        yield _failed(problem, origin, config)
        return
    if origin.secure and connection.secured is not None:
        yield _certificate(connection.secured, verified=tls.verifies)
    connection.close()


def _name(origin: Origin, timeout: float) -> Finding:
    host, port = origin.address
    began = time.monotonic()
    addresses = {str(info[4][0]) for info in resolve(host, port, timeout)}
    milliseconds = (time.monotonic() - began) * 1000
    return Finding("dns", "ok", f"{host}: {', '.join(sorted(addresses))} ({milliseconds:.0f} ms)")


def _certificate(secured: ssl.SSLSocket, *, verified: bool) -> Finding:
    version = secured.version()
    if not verified:
        return Finding("tls", "ok", f"{version}, the certificate unseen")
    ends = ssl.cert_time_to_seconds(str((secured.getpeercert() or {})["notAfter"]))
    days = (ends - time.time()) / 86400
    level: Level = "ok" if days > CERTIFICATE_DAYS else "warn"
    return Finding("tls", level, f"{version}, certificate good for {days:.0f} days")


def _failed(problem: NoReplyError, origin: Origin, config: ClientConfig) -> Finding:
    name = _NAMES.get(problem.failure, "connect")
    if origin.proxy is not None and name in ("dns", "connect"):
        host, port = origin.address
        return Finding("proxy", "fail", f"{host}:{port}: {problem.detail}: {_ADVICE[Failure.PROXY]}")
    return Finding(name, "fail", f"{problem.detail}: {advice_for(problem.failure, problem.detail, config)}")


def advice_for(failure: Failure, detail: str, config: ClientConfig) -> str:
    """What to do about an exchange that failed."""
    if failure is not Failure.CERTIFICATE:
        return _ADVICE.get(failure, "run it again; if it lasts, look at the network between this machine and Molam")
    advice = next(advice for said, advice in _OF_CERTIFICATES if said in detail)
    if advice is _CA and config.ca_bundle is not None and Path(config.ca_bundle).is_dir():
        return (
            "MOLAM_CA_BUNDLE is a folder, in which only files named by `openssl rehash` count: run it, or name a file"
        )
    return advice
