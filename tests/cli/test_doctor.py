"""What `molam doctor` says of a set-up, and the exit code that scripts go by."""

from __future__ import annotations

import datetime as dt
import ipaddress
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from molam_sdk import ClientConfig
from molam_sdk.cli.checks import check_expiry, check_key
from molam_sdk.sandbox import Sandbox
from tests.support.doctor import doctor, findings
from tests.support.keys import token

HOST = "127.0.0.1"


def test_a_good_setup_is_found_good(sandbox: Sandbox, tmp_path: Path) -> None:
    settings = {"MOLAM_API_KEY": sandbox.api_key, "MOLAM_BASE_URL": sandbox.url, "HOME": str(tmp_path)}
    done = doctor("--strict", **settings, MOLAM_WEBHOOK_SECRET_V1="whsec_1", MOLAM_JOURNAL=str(tmp_path / "journal"))
    found = findings(done)
    assert done.exit_code == 0, done.stdout
    assert {level for level, _ in found.values()} == {"ok"}
    assert found["key"][1].startswith("test key")
    assert "0 to 0.3 s, 0 to 0.6 s, 0 to 1.2 s" in found["retries"][1]
    assert found["breaker"][1] == "opens after 5 outages in a row, for 60 s"
    assert "the balance was read" in found["call"][1]
    assert found["journal"][1] == "can be written"
    assert not (tmp_path / "journal").exists()  # it would be this user's, not the service's
    assert sandbox.api_key not in done.stdout
    assert "whsec_1" not in done.stdout
    assert doctor("--strict", **settings).exit_code == 1
    assert doctor("--strict", "--no-webhooks", **settings).exit_code == 0


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


class SevenMinutesAhead(Quiet):
    off = 420.0


class FourMinutesBehind(Quiet):
    off = -240.0


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


@pytest.mark.parametrize(
    ("handler", "level", "told"), [(SevenMinutesAhead, "fail", "behind"), (FourMinutesBehind, "ok", "ahead")]
)
def test_a_clock_is_judged_by_how_long_a_signature_is_good(
    serve: Serve, handler: type[Quiet], level: str, told: str
) -> None:
    found = findings(doctor("--url", f"http://{HOST}:{serve(handler)}", MOLAM_API_KEY="sk_test_1"))
    assert found["clock"][0] == level
    assert told in found["clock"][1]


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


@pytest.mark.parametrize(("days", "level"), [(90, "ok"), (22, "ok"), (20, "warn"), (5, "warn")])
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


def test_doubts_fail_only_if_strict(sandbox: Sandbox) -> None:
    settings = {"MOLAM_API_KEY": sandbox.api_key, "MOLAM_BASE_URL": sandbox.url, "MOLAM_TIMEOUT": "5"}
    done = doctor(**settings)
    assert done.exit_code == 0
    text = "Nothing reads MOLAM_TIMEOUT (did you mean MOLAM_TIMEOUT_READ?): correct the name, or unset it"
    assert findings(done)["config"] == ("warn", text)
    assert doctor("--strict", **settings).exit_code == 1


def test_proxy_netrc_and_a_key_for_elsewhere_are_warned_of(sandbox: Sandbox, tmp_path: Path) -> None:
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine 127.0.0.1 login a password b\n", encoding="utf-8")
    netrc.chmod(0o600)
    home = {"HOME": str(tmp_path), "USERPROFILE": str(tmp_path)}
    settings = {"MOLAM_API_KEY": "sk_live_1", "MOLAM_BASE_URL": sandbox.url, "HTTPS_PROXY": "http://127.0.0.1:1"}
    done = doctor(**settings, **home)
    found = findings(done)
    assert [found[name][0] for name in ("key", "proxy", "netrc")] == ["warn"] * 3
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


@pytest.mark.parametrize(
    ("url", "key", "level"),
    [
        ("https://api.molam.io", "sk_live_1", "ok"),
        ("https://api-eu-west.molam.io", "sk_live_1", "ok"),
        ("https://staging.api.molam.io", "sk_live_1", "warn"),
        ("https://sandbox.api.molam.io", "sk_live_1", "warn"),
        ("https://staging.api.molam.io", "sk_test_1", "ok"),
        ("https://api.molam.io", "sk_test_1", "warn"),
        ("https://api.molam.io.example", "sk_live_1", "warn"),
        ("https://api.molam.io", "jwt_1", "ok"),
    ],
)
@pytest.mark.filterwarnings("ignore::molam_sdk.MolamConfigurationWarning")  # which says the same of its own accord
def test_a_live_key_belongs_to_production_alone(url: str, key: str, level: str) -> None:
    (finding,) = check_key(ClientConfig(api_key=key, base_url=url))
    assert finding.level == level
    assert ("do not belong together" in finding.text) is (level == "warn")
    assert key not in finding.text


def test_the_clients_certificate_is_shown_to_a_server_that_asks_for_one(serve: Serve, tmp_path: Path) -> None:
    context, trusted = certified(tmp_path, 90)
    context.load_verify_locations(trusted)
    context.verify_mode = ssl.CERT_REQUIRED
    url = f"https://{HOST}:{serve(Quiet, context)}"
    settings = {"MOLAM_API_KEY": "sk_test_1", "MOLAM_CA_BUNDLE": trusted}
    ours = str(tmp_path / "server.pem")
    shown = findings(doctor("--url", url, **settings, MOLAM_MTLS_CERT=ours, MOLAM_MTLS_KEY=ours))
    assert shown["clock"][0] == "ok"
    assert "clock" not in findings(doctor("--url", url, **settings))


def test_a_key_file_is_read_as_a_call_would(sandbox: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "key").write_text(f"{sandbox.api_key}\n")
    settings = {"MOLAM_API_KEY_FILE": str(tmp_path / "key"), "MOLAM_BASE_URL": sandbox.url, "HOME": str(tmp_path)}
    done = doctor("--strict", "--no-webhooks", **settings)
    assert done.exit_code == 0, done.stdout
    assert findings(done)["key"][1].startswith("test key")
    assert sandbox.api_key not in done.stdout


def test_a_source_that_gives_no_key_is_found() -> None:
    def fail() -> str:
        raise OSError("the vault is sealed")

    (finding,) = check_key(ClientConfig(api_key=fail, environment="staging"))
    assert (finding.level, finding.text) == ("fail", "cannot be had: the vault is sealed")
    (finding,) = check_key(ClientConfig(api_key=lambda: "whsec_1", environment="staging"))
    assert finding.level == "fail"
    assert "whsec_1" not in finding.text


def test_a_source_that_hangs_is_found() -> None:
    over = threading.Event()

    def hang() -> str:
        over.wait(30)
        return "sk_test_1"

    (finding,) = check_key(ClientConfig(api_key=hang, environment="staging", timeout_total=0.05))
    over.set()
    assert (finding.level, finding.text) == ("fail", "its source gave none within 0.05 s")


def test_a_token_that_nothing_renews_is_warned_of() -> None:
    found = findings(doctor(MOLAM_API_KEY=token(500), MOLAM_BASE_URL="http://127.0.0.1:9"))
    level, text = found["expiry"]
    assert (level, "nothing renews it" in text) == ("warn", True)
    found = findings(doctor(MOLAM_API_KEY=token(-500), MOLAM_BASE_URL="http://127.0.0.1:9"))
    assert found["key"][0] == "fail"
    assert "expired" in found["key"][1]


@pytest.mark.parametrize(("life", "level"), [(500, "ok"), (30, "warn")])
def test_a_source_is_expected_to_hand_out_tokens_with_time_left(life: float, level: str) -> None:
    (finding,) = check_expiry(ClientConfig(api_key=lambda: token(life)))
    assert (finding.level, "renewed by its source" in finding.text) == (level, True)
    assert check_expiry(ClientConfig(api_key=lambda: "sk_live_1")) == []
