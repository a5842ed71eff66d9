"""What a TLS connection costs: a client's first one, and each new one after it."""

from __future__ import annotations

import random
import ssl
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from ipaddress import ip_address
from pathlib import Path
from statistics import median
from typing import Any

import certifi

from . import ours
from .figures import Figures, Options
from .loopback import serve
from .payload import ANSWERS, HEADERS, PATH, PAYMENT

# A maker takes the URL and the CA bundle, and returns one call, and what makes the next call open a connection.
Maker = Callable[[str, str], tuple[Callable[[], Any], Callable[[], Any]]]


def measure(options: Options) -> Figures:
    """Every contestant with certifi's bundle and the server's own certificate in one file, as on a real machine."""
    with tempfile.TemporaryDirectory() as folder:
        bundle, certificate, key = _certificate(Path(folder))
        with serve(ANSWERS, certificate=(certificate, key)) as server:
            first, new, reused = _race(server.url, bundle, options.rounds)
    shared = median(new[_SHARED])
    rows = {
        name: {
            "first, with the client, CPU ms": round(median(first[name]), 2),
            "each new one CPU ms": round(median(new[name]), 2),
            "new to urllib3's shared context": round(median(new[name]) / shared, 2),
            "kept alive CPU µs": round(median(reused[name]) * 1000, 1),
        }
        for name in first
    }
    return Figures("tls", "TLS connections", rows, (f"{options.rounds} rounds in random order; TLS 1.3, P-256",))


def _requests(url: str, bundle: str) -> tuple[Callable[[], Any], Callable[[], Any]]:
    import requests

    session = requests.Session()
    # Given per call: a REQUESTS_CA_BUNDLE in the environment would win over session.verify.
    return lambda: session.post(url + PATH, json=PAYMENT, headers=HEADERS, verify=bundle), session.close


def _urllib3(url: str, bundle: str) -> tuple[Callable[[], Any], Callable[[], Any]]:
    import urllib3

    pool = urllib3.PoolManager(ca_certs=bundle)
    return lambda: pool.request("POST", url + PATH, json=PAYMENT, headers=HEADERS).data, pool.clear


def _urllib3_shared(url: str, bundle: str) -> tuple[Callable[[], Any], Callable[[], Any]]:
    import urllib3

    pool = urllib3.PoolManager(ssl_context=ssl.create_default_context(cafile=bundle))
    return lambda: pool.request("POST", url + PATH, json=PAYMENT, headers=HEADERS).data, pool.clear


def _molam(url: str, bundle: str) -> tuple[Callable[[], Any], Callable[[], Any]]:
    client = ours.full_client(url, ca_bundle=bundle)
    adapter: Any = client._state.transport.session.get_adapter(url)  # type: ignore[attr-defined]  # ours, not any Transport
    return lambda: client.create_payment_intent(PAYMENT), adapter.close_idle


_SHARED = "urllib3, one SSLContext"
_MAKERS: dict[str, Maker] = {
    _SHARED: _urllib3_shared,
    "urllib3": _urllib3,
    "requests Session.post": _requests,
    "molam, everything on": _molam,
}


def _race(url: str, bundle: str, rounds: int) -> tuple[dict[str, list[float]], ...]:
    """CPU milliseconds of the first call, of a call on a new connection, and of one on a connection kept alive."""
    first: dict[str, list[float]] = {name: [] for name in _MAKERS}
    new: dict[str, list[float]] = {name: [] for name in _MAKERS}
    reused: dict[str, list[float]] = {name: [] for name in _MAKERS}
    for _ in range(rounds):
        for name in random.sample(tuple(_MAKERS), len(_MAKERS)):
            began = time.process_time()
            call, drop = _MAKERS[name](url, bundle)
            call()
            first[name].append((time.process_time() - began) * 1000)
            for _ in range(3):
                with suppress(OSError):
                    drop()
                new[name].append(_milliseconds(call))
                reused[name].append(_milliseconds(call))
    return first, new, reused


def _milliseconds(call: Callable[[], Any]) -> float:
    began = time.process_time()
    call()
    return (time.process_time() - began) * 1000


def _certificate(folder: Path) -> tuple[str, str, str]:
    """Certifi's bundle with one certificate more, and that certificate with its key, for 127.0.0.1."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    today = datetime.now(timezone.utc)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, today - timedelta(days=1), today + timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
    )
    files = folder / "bundle.pem", folder / "certificate.pem", folder / "key.pem"
    files[0].write_bytes(Path(certifi.where()).read_bytes() + certificate)
    files[1].write_bytes(certificate)
    files[2].write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return str(files[0]), str(files[1]), str(files[2])
