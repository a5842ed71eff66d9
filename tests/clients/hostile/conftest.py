"""Servers that misbehave, over plain TCP and over TLS, with certificates made for the run."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import trustme

from tests.support.certificates import Certificates
from tests.support.http_server import HostileServer, Serve, Turn


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """Made once per run."""
    folder = tmp_path_factory.mktemp("tls")
    ca = trustme.CA()
    names = [str(folder / name) for name in ("ca.pem", "stranger.pem", "client.pem")]
    ca.cert_pem.write_to_path(names[0])
    trustme.CA().cert_pem.write_to_path(names[1])
    client = ca.issue_cert("merchant@example.test")
    client.private_key_and_cert_chain_pem.write_to_path(names[2])
    return Certificates(ca, *names)


@pytest.fixture(scope="session")
def tls(certificates: Certificates) -> ssl.SSLContext:
    """The context of a server on loopback."""
    return certificates.server()


@pytest.fixture
def serve() -> Iterator[Serve]:
    """``serve(turn, turn, …, tls=…)``: a running server that ends with the test."""
    with ExitStack() as stack:

        def start(*script: Turn, **options: Any) -> HostileServer:
            return stack.enter_context(HostileServer(list(script), **options))

        yield start


@pytest.fixture(params=["plain", "tls"])
def secured(
    request: pytest.FixtureRequest, certificates: Certificates, tls: ssl.SSLContext
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Options of the server and settings of the client: once without TLS, once with."""
    if request.param == "plain":
        return {}, {}
    return {"tls": tls}, {"ca_bundle": certificates.ca_file}


@pytest.fixture
def no_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """None of the variables that redirect or re-trust connections."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE",
                 "SSL_CERT_FILE"):  # fmt: skip
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
