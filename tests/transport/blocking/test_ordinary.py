"""The ordinary road, over requests' own HTTPAdapter: the same outcomes; where they differ, the reason is stated."""

from __future__ import annotations

import ssl
import time
from typing import Any

import pytest
import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from molam_sdk import (
    ClientConfig,
    ConfigurationError,
    MolamClient,
    MolamError,
    MolamTimeoutError,
    NetworkError,
    RedirectError,
    ResponseError,
)
from molam_sdk._core.wire import Request
from molam_sdk._transport.blocking.ordinary import AdapterOptions
from molam_sdk._transport.origin import clock
from molam_sdk.testing import ordinary_transport
from molam_sdk.transports import RequestsTransport
from tests.clients.hostile.test_outcomes import SETTINGS, TABLE, Row
from tests.support.caller import Caller
from tests.support.certificates import Certificates
from tests.support.http_proxy import tunnel_to
from tests.support.http_server import (
    INTENT,
    MOLAMS,
    ORDER,
    Serve,
    answer,
    created,
    dripped,
    error,
    http,
    then_close,
    then_hang,
)
from tests.transport.conftest import Address
from tests.transport.socks import socks_to

pytestmark = pytest.mark.usefixtures("no_environment")


def make(url: str, adapter: Any = None, **settings: Any) -> MolamClient:
    """A client on the ordinary road."""
    config = ClientConfig(**{"api_key": "sk_test_x", "base_url": url} | settings)
    return MolamClient(config, transport=RequestsTransport(config, adapter=adapter or HTTPAdapter()))


@pytest.mark.parametrize("expected", TABLE, ids=lambda row: row.fact)
def test_the_call_ends_as_the_table_says(serve: Serve, expected: Row) -> None:
    server = serve(*expected.script, usual=error(418, "the script is over"))
    with make(server.url, **SETTINGS | expected.settings) as client:
        if expected.ends is None:
            assert client.create_payment_intent(ORDER, idempotency_key="k").attempts == expected.attempts
        else:
            with pytest.raises(MolamError) as caught:
                client.create_payment_intent(ORDER, idempotency_key="k")
            found = caught.value
            assert (type(found), found.outcome, found.attempts) == (expected.ends, expected.outcome, expected.attempts)
    assert (len(server.requests), server.connections) == (expected.attempts, expected.connections)
    assert {(seen.line, seen.key) for seen in server.requests} == {("POST /v1/connect/payment_intents HTTP/1.1", "k")}


# The rows that differ from our own sockets, always towards the doubt, are the tests that end in "since …" and the
# kept-alive one: urllib3 does not tell when the first byte leaves.


def _told(client: MolamClient, **options: Any) -> tuple[type[MolamError], str]:
    with client, pytest.raises(MolamError) as caught:
        client.create_payment_intent(ORDER, **options)
    return type(caught.value), caught.value.outcome


def test_what_fails_before_the_first_byte_was_not_sent(dead: Address, black_hole: Address) -> None:
    refused = make(f"http://127.0.0.1:{dead[1]}", max_retries=0)
    unheard = make(f"http://127.0.0.1:{black_hole[1]}", max_retries=0, timeout_connect=0.1)
    unknown = make("https://no-such-host.invalid", max_retries=0, timeout_connect=5)
    assert _told(refused) == (NetworkError, "not_sent")
    assert _told(unheard) == (MolamTimeoutError, "not_sent")
    assert _told(unknown) == (NetworkError, "not_sent")


def test_a_certificate_that_is_not_trusted_was_not_sent(serve: Serve, certificates: Certificates) -> None:
    server = serve(tls=certificates.server())
    assert _told(make(server.url, ca_bundle=certificates.stranger_ca_file)) == (NetworkError, "not_sent")
    assert server.connections == 1  # and is not tried again


def test_a_handshake_that_hangs_is_in_doubt_since_urllib3_calls_it_a_read_timeout(
    serve: Serve, certificates: Certificates
) -> None:
    server = serve(greet=then_hang())
    url = server.url.replace("http:", "https:")
    client = make(url, ca_bundle=certificates.ca_file, max_retries=0, timeout_connect=0.2)
    assert _told(client) == (MolamTimeoutError, "unknown")


def test_tls_that_cannot_be_agreed_on_is_in_doubt_since_it_looks_like_tls_that_breaks(serve: Serve) -> None:
    server = serve(greet=then_hang(b"HTTP/1.1 400 Plain\r\n\r\n"))
    assert _told(make(server.url.replace("http:", "https:"), max_retries=0)) == (NetworkError, "unknown")


def test_a_kept_alive_connection_that_was_closed_is_retried_under_the_same_key(serve: Serve) -> None:
    server = serve(created(), then_close(), created())
    with make(server.url, retry_backoff_factor=0.001) as client:
        client.create_payment_intent(ORDER, idempotency_key="first")
        assert client.create_payment_intent(ORDER, idempotency_key="second").attempts == 2
    assert [(seen.connection, seen.key) for seen in server.requests] == [(1, "first"), (1, "second"), (2, "second")]


def test_our_trust_and_our_certificate_are_used(serve: Serve, certificates: Certificates) -> None:
    server = serve(tls=certificates.server(client_required=True))
    settings = {"ca_bundle": certificates.ca_file, "mtls_cert": certificates.client_file}
    with make(server.url, **settings) as client:
        assert client.create_payment_intent(ORDER).id == "pi_1"


def test_the_environment_has_no_say_per_call(
    serve: Serve, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve(tls=certificates.server())
    with make(server.url, ca_bundle=certificates.ca_file) as client:
        monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", certificates.stranger_ca_file)
        assert client.create_payment_intent(ORDER).id == "pi_1"


def test_a_redirect_is_not_followed(serve: Serve) -> None:
    elsewhere = serve()
    server = serve(usual=answer(307, None, [("Location", elsewhere.url)]))
    assert _told(make(server.url)) == (RedirectError, "unknown")
    assert elsewhere.connections == 0


@pytest.mark.parametrize("coding", ["plain", "gzip"])
def test_a_body_is_bounded(serve: Serve, coding: str) -> None:
    import gzip

    body = b"x" * 100_000 if coding == "plain" else gzip.compress(b"x" * 10_000_000)
    fields = [MOLAMS, ("Content-Encoding", "gzip")] if coding == "gzip" else [MOLAMS]
    server = serve(usual=answer(201, body, fields))
    assert _told(make(server.url, max_body_bytes=50_000)) == (ResponseError, "accepted")


def test_a_dripped_body_ends_at_the_deadline(serve: Serve) -> None:
    body = http(201, b"x" * 10_000, [MOLAMS])
    server = serve(usual=dripped(body[-9_900:], 0.0005, first=body[:-9_900]))
    began = time.monotonic()
    assert _told(make(server.url), timeout=0.5) == (MolamTimeoutError, "accepted")
    assert time.monotonic() - began < 3


@pytest.mark.parametrize("retries", [1, 2, Retry(total=None, connect=1), Retry(3)], ids=["1", "2", "connect", "all"])
def test_an_adapter_that_would_resend_by_itself_is_refused(retries: Any) -> None:
    with pytest.raises(ConfigurationError, match="max_retries"):
        make("https://api.test", HTTPAdapter(max_retries=retries))


def test_a_socks_proxy_resolves_the_name(serve: Serve, certificates: Certificates) -> None:
    asked: list[bytes] = []
    server = serve(tls=certificates.server("api.test"))
    proxy = serve(greet=socks_to(server.port, asked))
    settings = {"ca_bundle": certificates.ca_file, "proxy": f"socks5h://127.0.0.1:{proxy.port}"}
    with make("https://api.test", **settings) as client:
        assert client.create_payment_intent(ORDER).id == "pi_1"
    assert asked == [b"api.test"]


def test_a_socks_proxy_that_is_down_was_not_sent(dead: Address) -> None:
    client = make("https://api.test", proxy=f"socks5h://127.0.0.1:{dead[1]}", max_retries=0)
    assert _told(client) == (NetworkError, "not_sent")


def test_a_tls_proxy_carries_the_call(serve: Serve, certificates: Certificates) -> None:
    server = serve(tls=certificates.server("api.test"))
    proxy = serve(usual=tunnel_to(server.port), tls=certificates.server())
    settings = {"ca_bundle": certificates.ca_file, "proxy": f"https://127.0.0.1:{proxy.port}"}
    with make("https://api.test", **settings) as client:
        assert client.create_payment_intent(ORDER).id == "pi_1"
    assert [seen.line.partition(" HTTP/")[0] for seen in proxy.requests] == ["CONNECT api.test:443"]


def test_a_proxy_that_refuses_was_not_sent(serve: Serve) -> None:
    proxy = serve(usual=error(407, "who are you"))
    assert _told(make("https://api.test", proxy=proxy.url, max_retries=0)) == (NetworkError, "not_sent")


@pytest.mark.parametrize("scheme", ["socks5", "socks5h", "socks4", "https"])
def test_without_an_adapter_such_a_proxy_is_refused_when_the_client_is_made(
    caller: Caller, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    with pytest.raises(ConfigurationError, match=r"RequestsTransport\(config, adapter=") as caught:
        caller.make("https://api.test", proxy=f"{scheme}://user:hunter2@127.0.0.1:1080")
    assert "hunter2" not in str(caught.value)
    monkeypatch.setenv("ALL_PROXY", f"{scheme}://127.0.0.1:1080")
    with pytest.raises(ConfigurationError, match="needs an adapter of requests"):
        caller.make("https://api.test")


def test_socks_without_pysocks_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(ConfigurationError, match=r"requests\[socks\]"):
        make("https://api.test", proxy="socks5://127.0.0.1:1080")


class Raising(requests.adapters.BaseAdapter):
    """Raises what it was made with."""

    def __init__(self, problem: Exception) -> None:
        super().__init__()
        self._problem = problem

    def send(self, *_: Any, **__: Any) -> Any:
        raise self._problem

    def close(self) -> None:
        """Nothing to close."""


def test_tls_that_breaks_later_is_in_doubt() -> None:
    # What requests makes of "bad record mac" in the middle of an answer.
    broken = requests.exceptions.SSLError(ssl.SSLError(1, "[SSL] decryption failed or bad record mac"))
    assert _told(make("https://api.test", Raising(broken), max_retries=0)) == (NetworkError, "unknown")


def test_whatever_else_an_adapter_raises_is_in_doubt() -> None:
    assert _told(make("https://api.test", Raising(KeyError("x")), max_retries=0)) == (NetworkError, "unknown")


def test_every_client_made_in_the_block_takes_the_ordinary_road(caller: Caller, serve: Serve) -> None:
    server = serve(usual=answer(201, INTENT))
    adapters = []

    class Counting(HTTPAdapter):
        def send(self, *arguments: Any, **options: Any) -> Any:
            adapters.append(self)
            return super().send(*arguments, **options)

    with ordinary_transport(Counting):
        caller.make(server.url)
    assert caller.call("create_payment_intent", ORDER).id == "pi_1"
    caller.make(server.url)
    assert caller.call("create_payment_intent", ORDER).id == "pi_1"
    assert (len(adapters), len(server.requests)) == (1, 2)


def test_the_fixture_does_the_same(molam_ordinary_transport: None, serve: Serve) -> None:
    with MolamClient(ClientConfig(api_key="sk_test_x", base_url=serve().url)) as client:
        transport: Any = client._state.transport
        assert type(transport.session.get_adapter("https://x")) is HTTPAdapter
        assert client.create_payment_intent(ORDER).id == "pi_1"


@pytest.mark.parametrize(
    ("method", "body", "length"),
    [("GET", None, None), ("DELETE", None, None), ("POST", None, "0"), ("POST", b"{}", "2"), ("DELETE", b"{}", "2")],
)
def test_the_length_of_a_body_is_stated_where_there_may_be_one(method: str, body: bytes | None, length: Any) -> None:
    options = AdapterOptions(ClientConfig(api_key="sk_test_x", base_url="https://api.test"))
    request = Request(method, "https://api.test/v1/x", {"A": "b"}, body, clock() + 30)
    assert options.headers(request) == {"A": "b"} | ({} if length is None else {"Content-Length": length})


@pytest.mark.parametrize("key", [None, "key.pem"])
def test_a_client_certificate_is_handed_on_with_its_key(certificates: Certificates, key: str | None) -> None:
    ours = certificates.client_file
    files = {"mtls_cert": ours} | ({} if key is None else {"mtls_key": ours})
    options = AdapterOptions(ClientConfig(api_key="sk_test_x", base_url="https://api.test", **files))
    found = options.of(Request("GET", "https://api.test/v1/x", {}, None, clock() + 30))["cert"]
    assert found == (ours if key is None else (ours, ours))
