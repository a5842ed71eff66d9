"""Certificates, keys and CA bundles that are replaced on disk count without a restart, and no call fails of it."""

from __future__ import annotations

import hashlib
import logging
import ssl
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme

from molam_sdk import ClientConfig, ConfigurationError
from molam_sdk._transport import tls as tls_module
from molam_sdk._transport.tls import TlsSettings
from tests.support.caller import Caller, Kind
from tests.support.http_server import INTENT, MOLAMS, Serve, Wire, http

pytestmark = pytest.mark.slow

Rotate = Callable[[str], None]
GET = ("retrieve_payment_intent", ("pi_1",), {})


@pytest.fixture(params=["sync", "async"])
def caller(request: pytest.FixtureRequest) -> Iterator[Caller]:
    kind: Kind = request.param
    made = Caller(kind)
    yield made
    made.close()


class Authority:
    """A CA with one certificate of a client, and the context of a server that asks for it."""

    def __init__(self) -> None:
        self.ca = trustme.CA()
        self.client = self.ca.issue_cert("merchant@example.test")
        self.pem = self.ca.cert_pem.bytes()
        self.cert = b"".join(part.bytes() for part in self.client.cert_chain_pems)
        self.key = self.client.private_key_pem.bytes()
        self.fingerprint = hashlib.sha256(ssl.PEM_cert_to_DER_cert(self.client.cert_chain_pems[0].bytes().decode()))

    def server(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.ca.issue_cert("127.0.0.1").configure_cert(context)
        self.ca.configure_trust(context)
        context.verify_mode = ssl.CERT_REQUIRED
        return context


class Folder:
    """A folder that Kubernetes mounts a secret into: files are links through ``..data``, which is swapped."""

    def __init__(self, path: Path) -> None:
        self.path = path
        for name in ("ca.pem", "cert.pem", "key.pem"):
            (path / name).symlink_to(Path("..data") / name)

    @property
    def settings(self) -> dict[str, Any]:
        names = {"ca_bundle": "ca.pem", "mtls_cert": "cert.pem", "mtls_key": "key.pem"}
        return {field: str(self.path / name) for field, name in names.items()}

    def swap(self, version: str, ca: bytes, cert: bytes, key: bytes) -> None:
        """All files at once."""
        there = self.path / version
        there.mkdir()
        for name, content in (("ca.pem", ca), ("cert.pem", cert), ("key.pem", key)):
            (there / name).write_bytes(content)
        (self.path / "..new").symlink_to(there)
        (self.path / "..new").replace(self.path / "..data")


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def test_all_is_replaced_under_load_and_no_call_fails(
    caller: Caller, serve: Serve, folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tls_module, "_LOOK_SECONDS", 0.01)
    old, new = Authority(), Authority()
    seen: list[str] = []

    def turn(wire: Wire) -> bool:
        assert isinstance(wire.sock, ssl.SSLSocket)
        seen.append(hashlib.sha256(wire.sock.getpeercert(binary_form=True) or b"").hexdigest())
        if len(seen) == 40:  # in the middle of calls: the client is to know both servers, and show its new certificate
            both = old.ca.issue_cert("127.0.0.1")
            server.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            both.configure_cert(server.tls)
            for authority in (old, new):
                authority.ca.configure_trust(server.tls)
            server.tls.verify_mode = ssl.CERT_REQUIRED
            folder.swap("second", old.pem + new.pem, new.cert, new.key)
        wire.send(http(200, INTENT, [MOLAMS]))
        return True

    server = serve(usual=turn, tls=old.server())
    folder.swap("first", old.pem, old.cert, old.key)
    caller.make(server.url, max_retries=0, **folder.settings)

    def until(fingerprint: str) -> None:
        deadline = time.monotonic() + 30
        while set(seen[-16:]) != {fingerprint}:
            results = caller.together([GET] * 8)
            assert [result for result in results if isinstance(result, BaseException)] == []
            assert time.monotonic() < deadline

    until(old.fingerprint.hexdigest())
    until(new.fingerprint.hexdigest())
    server.tls = new.server()
    folder.swap("third", new.pem, new.cert, new.key)
    before = server.connections
    deadline = time.monotonic() + 30
    while server.connections == before:  # on connections to the new server, which the old CA bundle did not know
        results = caller.together([GET] * 8)
        assert [result for result in results if isinstance(result, BaseException)] == []
        assert time.monotonic() < deadline


def _settings(folder: Folder) -> TlsSettings:
    return TlsSettings(ClientConfig(api_key="sk_live_1", **folder.settings))


def test_half_a_new_pair_leaves_the_last_good_one_until_the_other_half_comes(
    folder: Folder, caplog: pytest.LogCaptureFixture
) -> None:
    old, new = Authority(), Authority()
    folder.swap("first", old.pem, old.cert, old.key)
    settings = _settings(folder)
    good = settings.context()
    with caplog.at_level(logging.WARNING, "molam_sdk"):
        (folder.path / "first" / "cert.pem").write_bytes(new.cert)
        assert settings.context() is good
        assert settings.context() is good
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "what was loaded before stays in use" in caplog.text
    assert new.key.decode()[40:80] not in caplog.text
    (folder.path / "first" / "key.pem").write_bytes(new.key)
    assert settings.context() is not good
    assert settings.still_uses(settings.context())
    assert not settings.still_uses(good)


@pytest.mark.parametrize("name", ["ca.pem", "cert.pem"])
def test_a_file_that_is_cut_short_is_not_taken_up(folder: Folder, name: str) -> None:
    old, new = Authority(), Authority()
    folder.swap("first", old.pem, old.cert, old.key)
    settings = _settings(folder)
    good = settings.context()
    (folder.path / "first" / name).write_bytes((old.pem if name == "ca.pem" else old.cert) + new.pem[:-80])
    assert settings.context() is good


def test_files_that_are_gone_leave_what_was_loaded(folder: Folder) -> None:
    old = Authority()
    folder.swap("first", old.pem, old.cert, old.key)
    settings = _settings(folder)
    good = settings.context()
    (folder.path / "..data").unlink()
    assert settings.context() is good


def test_files_that_cannot_be_used_from_the_start_are_refused_at_once(folder: Folder) -> None:
    old, new = Authority(), Authority()
    folder.swap("first", old.pem, old.cert, new.key)
    with pytest.raises(ConfigurationError, match="mtls_cert or mtls_key cannot be loaded"):
        _settings(folder)


def test_files_that_stay_are_read_once(folder: Folder) -> None:
    old = Authority()
    folder.swap("first", old.pem, old.cert, old.key)
    settings = _settings(folder)
    assert len({id(settings.context()) for _ in range(5)}) == 1
