"""What is trusted, which files are watched, and when they are first read."""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import certifi
import pytest
import trustme

from molam_sdk import ClientConfig, ConfigurationError
from molam_sdk._transport.tls import TlsSettings

FIELDS = {"ca_bundle": "ca.pem", "mtls_cert": "cert.pem", "mtls_key": "key.pem"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A CA bundle, a certificate of ours, and its key."""
    ca = trustme.CA()
    ours = ca.issue_cert("merchant@example.test")
    ca.cert_pem.write_to_path(tmp_path / "ca.pem")
    ours.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    ours.private_key_pem.write_to_path(tmp_path / "key.pem")
    return tmp_path


def settings_of(*fields: str, folder: Path, environ: dict[str, str] | None = None, **given: Any) -> TlsSettings:
    usual: dict[str, Any] = {"api_key": "sk_test_1", "base_url": "https://api.test"}
    files = {field: str(folder / FIELDS[field]) for field in fields}
    return TlsSettings(ClientConfig(**usual | files | given), environ or {})


def touch(path: Path) -> None:
    """The same content, in another file, as an update brings it."""
    renewed = path.with_suffix(".new")
    renewed.write_bytes(path.read_bytes())
    renewed.replace(path)


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What CA bundles have been read."""
    read = list[Any]()
    load: Callable[..., None] = ssl.SSLContext.load_verify_locations

    def noting(context: ssl.SSLContext, **given: Any) -> None:
        read.append(given)
        load(context, **given)

    monkeypatch.setattr(ssl.SSLContext, "load_verify_locations", noting)
    return read


@pytest.mark.parametrize("field", FIELDS)
def test_each_file_that_is_replaced_counts(field: str, folder: Path) -> None:
    settings = settings_of(*FIELDS, folder=folder)
    before = settings.context()
    assert settings.context() is before
    touch(folder / FIELDS[field])
    assert settings.context() is not before


def test_a_pair_that_cannot_be_loaded_leaves_the_last_good_one_and_is_warned_of_once(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings = settings_of(*FIELDS, folder=folder)
    good = settings.context()
    (folder / "key.pem").write_bytes(b"half of a k")
    assert [settings.context() is good for _ in range(3)] == [True] * 3
    (said,) = caplog.messages
    assert said.startswith("ca_bundle, mtls_cert or mtls_key cannot be loaded: ")
    assert said.endswith(": what was loaded before stays in use")
    assert caplog.records[0].levelname == "WARNING"


def test_a_ca_bundle_that_nothing_is_verified_by_is_neither_read_nor_watched(folder: Path, loaded: list[Any]) -> None:
    settings = settings_of("ca_bundle", folder=folder, verify_ssl=False)
    before = settings.context()
    touch(folder / "ca.pem")
    assert settings.context() is before
    assert loaded == []
    assert (before.verify_mode, before.check_hostname) == (ssl.CERT_NONE, False)


def test_a_certificate_is_loaded_when_the_client_is_made_whatever_is_trusted(folder: Path) -> None:
    (folder / "cert.pem").write_bytes(b"nothing")
    with pytest.raises(ConfigurationError, match="mtls_cert or mtls_key cannot be loaded"):
        settings_of("mtls_cert", "mtls_key", folder=folder)


def test_the_usual_cas_are_read_by_the_first_connection_not_when_the_client_is_made(
    folder: Path, loaded: list[Any]
) -> None:
    settings = settings_of(folder=folder)
    assert (settings.ca_bundle, loaded) == (certifi.where(), [])
    context = settings.context()
    assert loaded == [{"cafile": certifi.where()}]
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)


def test_a_given_ca_bundle_counts_before_the_environments_and_that_before_the_usual_one(folder: Path) -> None:
    named = folder / "named.pem"
    named.write_bytes((folder / "ca.pem").read_bytes())
    environ = {"CURL_CA_BUNDLE": str(folder / "absent.pem"), "SSL_CERT_FILE": str(named)}
    assert settings_of("ca_bundle", folder=folder, environ=environ).ca_bundle == str(folder / "ca.pem")
    assert settings_of(folder=folder, environ=environ).ca_bundle == str(named)


def test_a_child_that_may_not_read_the_key_uses_what_its_parent_had_loaded(folder: Path) -> None:
    settings = settings_of(*FIELDS, folder=folder)
    parents = settings.context()
    settings._lock.acquire()  # by another thread of the parent, which the child does not have
    (folder / "key.pem").unlink()
    settings.after_fork()
    assert settings.context() is parents


def test_a_child_reads_the_files_anew(folder: Path) -> None:
    settings = settings_of(*FIELDS, folder=folder)
    parents = settings.context()
    settings.after_fork()
    assert settings.context() is not parents
    assert not settings.still_uses(parents)


def test_http_1_1_is_what_is_agreed_upon(folder: Path) -> None:
    ca = trustme.CA()
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("api.test").configure_cert(server)
    server.set_alpn_protocols(["h2", "http/1.1"])
    ca.cert_pem.write_to_path(folder / "ca.pem")
    context = settings_of("ca_bundle", folder=folder).context()
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    ours = context.wrap_bio(back, there, server_hostname="api.test")
    theirs = server.wrap_bio(there, back, server_side=True)
    for each in (ours, theirs, ours, theirs):
        with contextlib.suppress(ssl.SSLWantReadError):
            each.do_handshake()
    assert (ours.selected_alpn_protocol(), theirs.selected_alpn_protocol()) == ("http/1.1", "http/1.1")
