"""What `molam doctor` says of a set-up, and the exit code that scripts go by."""

from __future__ import annotations

import datetime as dt
import ipaddress
import json
import os
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from molam_sdk.cli.commands import molam as group
from molam_sdk.sandbox import Sandbox

HOST = "127.0.0.1"


def doctor(*options: str, **environment: str) -> Result:
    """Run `molam doctor` with the MOLAM_ variables given and no others."""
    without = {name: None for name in os.environ if name.startswith("MOLAM_") or name.lower().endswith("_proxy")}
    return CliRunner().invoke(group, ["doctor", "--json", *options], env={**without, **environment})


def findings(done: Result) -> dict[str, tuple[str, str]]:
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return {line["name"]: (line["level"], line["text"]) for line in lines}


def test_a_good_setup_is_found_good(sandbox: Sandbox, tmp_path: Path) -> None:
    done = doctor("--strict", MOLAM_API_KEY=sandbox.api_key, MOLAM_BASE_URL=sandbox.url, HOME=str(tmp_path))
    found = findings(done)
    assert done.exit_code == 0, done.stdout
    assert {level for level, _ in found.values()} == {"ok"}
    assert found["key"][1].startswith("test key")
    assert "0 to 0.3 s, 0 to 0.6 s, 0 to 1.2 s" in found["retries"][1]
    assert found["breaker"][1] == "opens after 5 outages in a row, for 60 s"
    assert sandbox.api_key not in done.stdout


def test_the_settings_of_the_environment_count(sandbox: Sandbox) -> None:
    settings = {"MOLAM_MAX_RETRIES": "1", "MOLAM_RETRY_BACKOFF_FACTOR": "2", "MOLAM_TIMEOUT_TOTAL": "7"}
    done = doctor("--url", sandbox.url, MOLAM_API_KEY="sk_test_1", **settings)
    assert findings(done)["retries"][1] == "pauses 0 to 2 s; a call takes at most 7 s in all"


class Quiet(BaseHTTPRequestHandler):
    """Answers 200 to everything, its clock so many seconds off."""

    off = 0.0

    def do_GET(self) -> None:
        self.send_response_only(200)
        self.send_header("Date", self.date_time_string(time.time() + self.off))
        self.end_headers()

    def log_message(self, *args: object) -> None:
        pass


class HourBehind(Quiet):
    off = -3600.0


class Patient(ThreadingHTTPServer):
    """Says nothing of a client that hangs up: the doctor does, where it only wants the certificate."""

    def handle_error(self, *_: object) -> None:
        pass


Serve = Callable[..., int]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start a server with this handler, behind TLS if a context is given; returns its port."""
    running: list[tuple[ThreadingHTTPServer, threading.Thread]] = []

    def start(handler: type[BaseHTTPRequestHandler] = Quiet, context: ssl.SSLContext | None = None) -> int:
        server = Patient((HOST, 0), handler)
        if context is not None:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        running.append((server, thread))
        return int(server.server_port)

    yield start
    for server, thread in running:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_clock_that_would_refuse_webhooks_fails(serve: Serve) -> None:
    done = doctor("--url", f"http://{HOST}:{serve(HourBehind)}", MOLAM_API_KEY="sk_test_1")
    assert done.exit_code == 1
    level, told = findings(done)["clock"]
    assert level == "fail"
    assert 3595 < float(told.split(" s ahead")[0]) < 3605


def certified(folder: Path, days: int) -> tuple[ssl.SSLContext, str]:
    """A server's TLS context with a certificate for so many days, and the file to trust it by."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    now = dt.datetime.now(dt.timezone.utc)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=days, hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(HOST))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = serialization.PrivateFormat.PKCS8
    pem = key.private_bytes(serialization.Encoding.PEM, private, serialization.NoEncryption())
    chain, trusted = folder / "server.pem", folder / "ca.pem"
    trusted.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    chain.write_bytes(pem + trusted.read_bytes())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    return context, str(trusted)


@pytest.mark.parametrize(("days", "level"), [(90, "ok"), (5, "warn")])
def test_the_days_of_the_certificate_are_counted(serve: Serve, tmp_path: Path, days: int, level: str) -> None:
    context, trusted = certified(tmp_path, days)
    url = f"https://{HOST}:{serve(Quiet, context)}"
    done = doctor("--url", url, MOLAM_API_KEY="sk_test_1", MOLAM_CA_BUNDLE=trusted)
    assert findings(done)["tls"] == (level, f"TLSv1.3, certificate good for {days} days")
    assert findings(done)["clock"][0] == "ok"


def test_a_certificate_nobody_vouches_for_fails(serve: Serve, tmp_path: Path) -> None:
    context, _ = certified(tmp_path, 90)
    done = doctor("--url", f"https://{HOST}:{serve(Quiet, context)}", MOLAM_API_KEY="sk_test_1")
    assert done.exit_code == 1
    assert findings(done)["tls"][0] == "fail"


def test_proxy_netrc_and_a_key_for_elsewhere_are_warned_of(sandbox: Sandbox, tmp_path: Path) -> None:
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine 127.0.0.1 login a password b\n", encoding="utf-8")
    netrc.chmod(0o600)
    home = {"HOME": str(tmp_path), "USERPROFILE": str(tmp_path)}
    settings = {"MOLAM_API_KEY": "sk_live_1", "MOLAM_BASE_URL": sandbox.url, "HTTPS_PROXY": "http://127.0.0.1:1"}
    done = doctor(**settings, **home)
    found = findings(done)
    assert [found[name][0] for name in ("key", "proxy", "netrc")] == ["warn"] * 3
    assert done.exit_code == 0
    assert doctor("--strict", **settings, **home).exit_code == 1
    assert "password" not in done.stdout


@pytest.mark.parametrize(
    ("environment", "name"),
    [
        ({}, "key"),
        ({"MOLAM_API_KEY": "pk_1"}, "config"),
        ({"MOLAM_API_KEY": "sk_test_1", "MOLAM_BASE_URL": "http://127.0.0.1:9"}, "connect"),
        ({"MOLAM_API_KEY": "sk_test_1", "MOLAM_BASE_URL": "https://molam.invalid"}, "dns"),
        ({"MOLAM_API_KEY": "sk_test_1", "MOLAM_TIMEOUT_TOTAL": "-1"}, "config"),
    ],
)
def test_what_cannot_work_fails(environment: dict[str, str], name: str) -> None:
    done = doctor(**{"MOLAM_BASE_URL": "http://127.0.0.1:9", **environment})
    assert done.exit_code == 1
    assert findings(done)[name][0] == "fail"
