"""Pool, TLS, proxies: how many connections are made, whom they trust, and which way they go."""

from __future__ import annotations

import base64
import functools
import ssl
import threading
import time
import warnings
from pathlib import Path
from typing import Any

import pytest
import trustme

from molam_sdk import MolamError, NetworkError
from tests.support.caller import Caller
from tests.support.certificates import Certificates
from tests.support.http_proxy import tunnel_to
from tests.support.http_server import INTENT, KEPT, ORDER, Serve, Turn, Wire, created, error, http

pytestmark = pytest.mark.usefixtures("no_environment")

Secured = tuple[dict[str, Any], dict[str, Any]]
FULL = http(201, INTENT)
CREATE = ("create_payment_intent", (ORDER,), {})


def _after(seconds: float) -> Turn:
    def turn(wire: Wire) -> bool:
        wire.over.wait(seconds)
        wire.send(FULL)
        return KEPT

    return turn


def test_bursts_of_64_open_64_connections_at_most(caller: Caller, serve: Serve, secured: Secured) -> None:
    server = serve(usual=_after(0.01), **secured[0])
    caller.make(server.url, **secured[1], timeout_connect=10)
    for _ in range(6):
        assert {getattr(found, "id", found) for found in caller.together([CREATE] * 64)} == {"pi_1"}
    assert len(server.requests) == 6 * 64
    assert server.connections <= 64


def test_no_more_idle_connections_are_kept_than_the_pool_holds(caller: Caller, serve: Serve) -> None:
    server = serve(usual=_after(0.2))
    caller.make(server.url, pool_size=4, pool_idle_seconds=30)
    caller.together([CREATE] * 16)
    burst = server.connections
    assert burst > 4
    for _ in range(5):
        caller.call(*CREATE[:1], *CREATE[1])
    assert server.connections == burst
    caller.together([CREATE] * 16)
    assert server.connections - burst >= (burst - 4) // 2


def test_a_connection_idle_for_too_long_is_not_used(caller: Caller, serve: Serve) -> None:
    server = serve()
    caller.make(server.url, pool_idle_seconds=0.05)
    caller.call("create_payment_intent", ORDER)
    time.sleep(0.12)
    caller.call("create_payment_intent", ORDER)
    assert [seen.connection for seen in server.requests] == [1, 2]


def _later(data: bytes, seconds: float, sent: threading.Event) -> Turn:
    def turn(wire: Wire) -> bool:
        wire.send(FULL)
        wire.over.wait(seconds)
        wire.send(data)
        sent.set()
        return KEPT

    return turn


EVIL = http(201, INTENT | {"id": "pi_of_somebody_else"})


@pytest.mark.parametrize("seconds", [0.0, 0.05])
def test_an_answer_that_nobody_asked_for_is_never_taken(
    caller: Caller, serve: Serve, secured: Secured, seconds: float
) -> None:
    sent = threading.Event()
    server = serve(_later(EVIL, seconds, sent), **secured[0])
    caller.make(server.url, **secured[1])
    caller.call("create_payment_intent", ORDER)
    assert sent.wait(10)  # what comes before the next question can be seen; what comes after it, by nobody
    assert caller.call("create_payment_intent", ORDER).id == "pi_1"
    assert server.connections == 2


def test_the_ca_bundle_is_read_once_for_all_connections(
    caller: Caller, serve: Serve, certificates: Certificates, tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = []
    load = ssl.SSLContext.load_verify_locations
    monkeypatch.setattr(
        ssl.SSLContext, "load_verify_locations", lambda *given, **named: (read.append(1), load(*given, **named))[1]
    )
    server = serve(usual=_after(0.01), tls=tls)
    caller.make(server.url, ca_bundle=certificates.ca_file, timeout_connect=10)
    caller.together([CREATE] * 16)
    assert server.connections > 4
    assert len(read) == 1


TRUST = {
    "another CA": ({}, "stranger_ca_file", "not trusted|certificate"),
    "another name": ({"names": ("other.test",)}, "ca_file", "not trusted|certificate|match"),
}


@pytest.mark.parametrize(("names", "ca", "says"), TRUST.values(), ids=TRUST)
def test_a_certificate_that_is_not_trusted_was_not_sent_and_is_not_retried(
    caller: Caller, serve: Serve, certificates: Certificates, names: dict[str, Any], ca: str, says: str
) -> None:
    server = serve(tls=certificates.server(*names.get("names", ())))
    caller.make(server.url, ca_bundle=getattr(certificates, ca))
    with pytest.raises(NetworkError, match=says) as caught:
        caller.call("create_payment_intent", ORDER)
    assert (caught.value.outcome, caught.value.attempts, server.requests) == ("not_sent", 1, [])
    assert server.connections == 1


def test_verification_can_be_turned_off_for_a_test_key(caller: Caller, serve: Serve, tls: ssl.SSLContext) -> None:
    caller.make(serve(tls=tls).url, verify_ssl=False)
    assert caller.call("create_payment_intent", ORDER).id == "pi_1"


def test_tls_older_than_1_2_is_refused(caller: Caller, serve: Serve, certificates: Certificates) -> None:
    old = certificates.server()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
    old.set_ciphers("ALL:@SECLEVEL=0")
    caller.make(serve(tls=old).url, ca_bundle=certificates.ca_file, max_retries=0)
    with pytest.raises(NetworkError) as caught:
        caller.call("create_payment_intent", ORDER)
    assert caught.value.message.startswith("no TLS with 127.0.0.1: ")
    assert caught.value.outcome == "not_sent"


def test_a_client_certificate_is_shown(caller: Caller, serve: Serve, certificates: Certificates) -> None:
    server = serve(tls=certificates.server(client_required=True))
    caller.make(server.url, ca_bundle=certificates.ca_file, mtls_cert=certificates.client_file)
    assert caller.call("create_payment_intent", ORDER).id == "pi_1"


def test_a_client_certificate_that_is_missed_was_not_sent(
    caller: Caller, serve: Serve, certificates: Certificates
) -> None:
    server = serve(tls=certificates.server(client_required=True))
    caller.make(server.url, ca_bundle=certificates.ca_file)
    with pytest.raises(NetworkError) as caught:
        caller.call("create_payment_intent", ORDER)
    assert server.requests == []
    assert caught.value.attempts == 1
    assert caught.value.outcome == "not_sent"


# TLS 1.2 refuses in the handshake, 1.3 after the client has begun to write.
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_client_certificate_of_a_stranger_was_not_sent_and_is_not_shown_again(
    caller: Caller, serve: Serve, certificates: Certificates, version: ssl.TLSVersion, tmp_path: Path
) -> None:
    strangers = trustme.CA().issue_cert("stranger@example.test")
    strangers.private_key_and_cert_chain_pem.write_to_path(tmp_path / "stranger.pem")
    tls = certificates.server(client_required=True)
    tls.maximum_version = version
    server = serve(tls=tls)
    caller.make(server.url, ca_bundle=certificates.ca_file, mtls_cert=str(tmp_path / "stranger.pem"))
    with pytest.raises(NetworkError) as caught:
        caller.call("create_payment_intent", ORDER)
    assert (server.requests, caught.value.attempts, caught.value.outcome) == ([], 1, "not_sent")


def test_an_alert_about_the_certificate_after_the_request_was_carried_out_is_a_doubt(
    caller: Caller, serve: Serve, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    for kind, method in ((ssl.SSLSocket, "recv"), (ssl.SSLObject, "read")):
        read = getattr(kind, method)
        monkeypatch.setattr(kind, method, functools.partialmethod(_alert_after, read))
    server = serve(tls=certificates.server())
    caller.make(server.url, ca_bundle=certificates.ca_file, max_retries=0)
    with pytest.raises(NetworkError) as caught:
        caller.call("create_payment_intent", ORDER)
    assert (len(server.requests), caught.value.outcome) == (1, "unknown")


def _alert_after(sock: Any, read: Any, *arguments: Any) -> Any:
    """The answer comes, and with it the session's tickets; what the client is told of is an alert."""
    found = read(sock, *arguments)
    came = found if isinstance(found, bytes) else bytes(arguments[1][:found])
    if came.startswith(b"HTTP/1.1 201") and not getattr(sock, "server_side", False):
        raise ssl.SSLError(1, "[SSL: TLSV13_ALERT_CERTIFICATE_REQUIRED] tlsv13 alert certificate required")
    return found


def _basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def test_https_goes_through_the_proxy_in_a_tunnel_that_hides_the_key(
    caller: Caller, serve: Serve, certificates: Certificates
) -> None:
    server = serve(tls=certificates.server("api.test"))
    proxy = serve(usual=tunnel_to(server.port))
    caller.make("https://api.test", ca_bundle=certificates.ca_file, proxy=f"http://us%40er:pass@127.0.0.1:{proxy.port}")
    assert caller.call("create_payment_intent", ORDER).id == "pi_1"
    assert caller.call("create_payment_intent", ORDER).id == "pi_1"
    assert [seen.line for seen in proxy.requests] == ["CONNECT api.test:443 HTTP/1.1"]
    assert proxy.requests[0].headers["proxy-authorization"] == _basic("us@er", "pass")
    assert "authorization" not in proxy.requests[0].headers
    assert "proxy-authorization" not in server.requests[0].headers
    assert server.requests[0].headers["host"] == "api.test"


def test_a_proxy_that_refuses_was_not_sent(caller: Caller, serve: Serve, certificates: Certificates) -> None:
    proxy = serve(usual=error(407, "who are you"))
    caller.make("https://api.test", ca_bundle=certificates.ca_file, proxy=proxy.url, max_retries=1,
                retry_backoff_factor=0.001)  # fmt: skip
    with pytest.raises(NetworkError) as caught:
        caller.call("create_payment_intent", ORDER)
    assert (caught.value.outcome, caught.value.attempts) == ("not_sent", 2)


def test_plain_http_names_the_whole_url_to_the_proxy(caller: Caller, serve: Serve) -> None:
    proxy = serve()
    caller.make("http://127.0.0.1:9", proxy=proxy.url.replace("//", "//user:pass@"))
    caller.call("create_payment_intent", ORDER)
    assert proxy.requests[0].line == "POST http://127.0.0.1:9/v1/connect/payment_intents HTTP/1.1"
    assert proxy.requests[0].headers["proxy-authorization"] == _basic("user", "pass")


def test_the_environments_proxy_is_read_once(
    caller: Caller, serve: Serve, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve(tls=certificates.server("api.test"))
    proxy = serve(usual=tunnel_to(server.port))
    monkeypatch.setenv("HTTPS_PROXY", proxy.url)
    caller.make("https://api.test", ca_bundle=certificates.ca_file)
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    assert caller.call("create_payment_intent", ORDER).id == "pi_1"


def test_no_proxy_is_heeded(
    caller: Caller, serve: Serve, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = serve()
    monkeypatch.setenv("HTTPS_PROXY", proxy.url)
    monkeypatch.setenv("NO_PROXY", ".test")
    caller.make("https://api.test", ca_bundle=certificates.ca_file, max_retries=0)
    with pytest.raises(MolamError):
        caller.call("create_payment_intent", ORDER, timeout=2)
    assert proxy.connections == 0


def test_loopback_is_not_sent_through_the_environments_proxy(
    caller: Caller, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, proxy = serve(), serve()
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    monkeypatch.setenv("ALL_PROXY", proxy.url)
    caller.make(server.url)
    caller.call("create_payment_intent", ORDER)
    assert (len(server.requests), proxy.connections) == (1, 0)


def test_netrc_has_no_say(caller: Caller, serve: Serve, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    rc = tmp_path / ".netrc"
    rc.write_text("machine 127.0.0.1 login thief password key\ndefault login thief password key\n")
    rc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(rc))
    monkeypatch.setenv("HOME", str(tmp_path))
    server = serve()
    caller.make(server.url)
    caller.call("create_payment_intent", ORDER)
    assert server.requests[0].headers["authorization"] == "Bearer sk_test_caller"


def test_the_environments_ca_bundle_does_not_win_over_ours(
    caller: Caller, serve: Serve, certificates: Certificates, tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.setenv(name, certificates.stranger_ca_file)
    caller.make(serve(tls=tls).url, ca_bundle=certificates.ca_file)
    assert caller.call("create_payment_intent", ORDER).id == "pi_1"


def test_the_environments_ca_bundle_counts_where_none_is_given(
    caller: Caller, serve: Serve, certificates: Certificates, tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", certificates.ca_file)
    caller.make(serve(tls=tls).url)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", certificates.stranger_ca_file)
    assert caller.call("create_payment_intent", ORDER).id == "pi_1"


def test_a_cookie_is_not_sent_back(caller: Caller, serve: Serve) -> None:
    server = serve(lambda wire: (wire.send(http(201, INTENT, [("Set-Cookie", "a=b")])), KEPT)[1], created())
    caller.make(server.url)
    caller.call("create_payment_intent", ORDER)
    caller.call("create_payment_intent", ORDER)
    assert "cookie" not in server.requests[1].headers
