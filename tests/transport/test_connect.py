"""Opening a connection: which address is taken, through which proxy, and what is said where there is none."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from molam_sdk import ClientConfig, MolamTimeoutError, NetworkError
from molam_sdk._transport.awaited import connect as awaited
from molam_sdk._transport.blocking import connect as blocking
from molam_sdk._transport.dns import AddressInfo, interleaved
from tests.support.caller import Caller
from tests.support.certificates import Certificates
from tests.support.http_server import ORDER, Serve, Turn, answer, then_hang
from tests.transport.conftest import Address

pytestmark = pytest.mark.usefixtures("no_environment")

Names = Callable[..., None]


def secure(caller: Caller, serve: Serve, certificates: Certificates, **settings: Any) -> Any:
    """A TLS server for the name api.test, and a client of it."""
    server = serve(tls=certificates.server("api.test"))
    caller.make(f"https://api.test:{server.port}", ca_bundle=certificates.ca_file, max_retries=0, **settings)
    return server


def test_a_dead_first_address_does_not_cost_the_connect_timeout(
    caller: Caller, serve: Serve, certificates: Certificates, names: Names, black_hole: Address
) -> None:
    server = secure(caller, serve, certificates, timeout_connect=20.0)
    names("api.test", black_hole, ("127.0.0.1", server.port))
    began = time.monotonic()
    assert caller.call("create_payment_intent", ORDER).id == "pi_1"
    assert 0.2 < time.monotonic() - began < 10
    assert server.connections == 1


def test_an_address_that_refuses_is_followed_at_once_by_the_next(
    caller: Caller, serve: Serve, certificates: Certificates, names: Names, dead: Address, monkeypatch: Any
) -> None:
    for module in (blocking, awaited):
        monkeypatch.setattr(module, "_HEAD_START", 60.0)
    server = secure(caller, serve, certificates, timeout_connect=20.0)
    names("api.test", dead, dead, ("127.0.0.1", server.port))
    assert caller.call("create_payment_intent", ORDER).id == "pi_1"


def test_a_slow_address_may_still_win(
    caller: Caller, serve: Serve, certificates: Certificates, names: Names, dead: Address, black_hole: Address
) -> None:
    server = secure(caller, serve, certificates, timeout_connect=20.0)
    names("api.test", black_hole, dead, ("127.0.0.1", server.port), black_hole)
    assert caller.call("create_payment_intent", ORDER).id == "pi_1"


def test_where_every_address_refuses_the_last_word_is_theirs(
    caller: Caller, serve: Serve, certificates: Certificates, names: Names, dead: Address
) -> None:
    secure(caller, serve, certificates)
    names("api.test", dead, dead)
    with pytest.raises(NetworkError, match=r"refused|Connect call failed") as caught:
        caller.call("create_payment_intent", ORDER)
    assert caught.value.outcome == "not_sent"


def test_black_holes_only_end_with_the_connect_timeout(
    caller: Caller, serve: Serve, certificates: Certificates, names: Names, black_hole: Address
) -> None:
    secure(caller, serve, certificates, timeout_connect=0.6)
    names("api.test", black_hole, black_hole)
    began = time.monotonic()
    with pytest.raises(MolamTimeoutError) as caught:
        caller.call("create_payment_intent", ORDER)
    assert caught.value.outcome == "not_sent"
    assert time.monotonic() - began < 5


def test_the_losers_of_the_race_are_closed(black_hole: Address, serve: Serve) -> None:
    server = serve()
    addresses = [_address(black_hole), _address(("127.0.0.1", server.port)), _address(black_hole)]
    # An open socket would warn when it is collected, and warnings are errors.
    blocking.connect_to_first(addresses, time.monotonic() + 10).close()
    asyncio.run(awaited.connect_to_first(addresses)).close()


def test_connections_send_at_once_instead_of_waiting_for_more(serve: Serve) -> None:
    addresses = [_address(("127.0.0.1", serve().port))]
    opened = [
        blocking.connect_to_first(addresses, time.monotonic() + 10),
        asyncio.run(awaited.connect_to_first(addresses)),
    ]
    for sock in opened:
        with sock:
            assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def _address(where: Address) -> AddressInfo:
    return (socket.AF_INET, socket.SOCK_STREAM, 6, "", where)


def test_families_take_turns_and_the_resolvers_first_goes_first() -> None:
    six, four = socket.AF_INET6, socket.AF_INET
    given: list[AddressInfo] = [(family, 1, 6, "", (name,)) for family, name in
                                [(six, "a"), (six, "b"), (six, "c"), (four, "d"), (four, "e")]]  # fmt: skip
    assert [address[4][0] for address in interleaved(given)] == ["a", "d", "b", "e", "c"]


def test_a_proxy_that_does_not_answer_connect_costs_the_connect_timeout_only(
    caller: Caller, serve: Serve, certificates: Certificates
) -> None:
    proxy = serve(usual=then_hang())
    caller.make("https://api.test", ca_bundle=certificates.ca_file, proxy=proxy.url, timeout_connect=0.3, max_retries=0)
    began = time.monotonic()
    with pytest.raises(MolamTimeoutError) as caught:
        caller.call("create_payment_intent", ORDER)
    assert caught.value.outcome == "not_sent"
    assert time.monotonic() - began < 5


def _sent(data: bytes) -> Turn:
    return lambda wire: (wire.send(data), True)[1]


GRANTED = b"HTTP/1.1 200 OK\r\n"
NO_TUNNEL: dict[str, Turn] = {
    "a redirect": answer(302, None, [("Location", "http://127.0.0.1/")]),
    "not modified": answer(304),
    "a refusal": answer(407),
    "an error": answer(502),
    "no HTTP": _sent(b"SSH-2.0-OpenSSH_9.6\r\n\r\n"),
    "another version": _sent(b"HTTP/2 200\r\n\r\n"),
    "interim answers only": _sent(b"HTTP/1.1 100 Continue\r\n\r\n" * 11),
    "bytes of its own after it": _sent(GRANTED + b"\r\n<html>"),
    "a head without end": _sent(GRANTED + b"a: b\r\n" * 12_000),
}


@pytest.mark.parametrize("status", [300, 302, 304, 401, 407, 502])
def test_a_proxys_refusal_is_told_by_its_status(
    caller: Caller, serve: Serve, certificates: Certificates, status: int
) -> None:
    proxy = serve(usual=answer(status))
    caller.make("https://api.test", ca_bundle=certificates.ca_file, proxy=proxy.url, max_retries=0)
    with pytest.raises(NetworkError, match=f"the proxy refused the connection: {status}"):
        caller.call("create_payment_intent", ORDER)


@pytest.mark.parametrize("turn", NO_TUNNEL.values(), ids=NO_TUNNEL)
def test_only_a_plain_2xx_is_a_tunnel(caller: Caller, serve: Serve, certificates: Certificates, turn: Turn) -> None:
    proxy = serve(usual=turn)
    caller.make("https://api.test", ca_bundle=certificates.ca_file, proxy=proxy.url, max_retries=0)
    with pytest.raises(NetworkError, match="proxy") as caught:
        caller.call("create_payment_intent", ORDER)
    assert caught.value.outcome == "not_sent"
    assert [seen.line for seen in proxy.requests] == ["CONNECT api.test:443 HTTP/1.1"]


@pytest.mark.parametrize(
    "head",
    [b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n", b"Content-Encoding: br\r\n", b""],
    ids=["length", "chunked", "encoded", "none"],
)
def test_fields_of_a_granted_tunnel_mean_nothing(
    caller: Caller, serve: Serve, certificates: Certificates, head: bytes
) -> None:
    server = serve(tls=certificates.server("api.test"))

    def granted(wire: Any) -> bool:
        from tests.support.http_proxy import tunnel_to

        wire.send(b"HTTP/1.1 103 Early\r\n\r\n")
        send, wire.send = wire.send, lambda _data: send(GRANTED + head + b"\r\n")
        return tunnel_to(server.port)(wire)

    proxy = serve(usual=granted)
    caller.make("https://api.test", ca_bundle=certificates.ca_file, proxy=proxy.url, max_retries=0)
    assert caller.call("create_payment_intent", ORDER).id == "pi_1"


@pytest.fixture
def unwell(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A resolver that hangs on api.test while ``over`` is not set; ``asked`` counts its lookups."""

    class Unwell:
        over = threading.Event()
        asked = 0
        port = 0
        threads: list[threading.Thread] = []  # noqa: RUF012 - one per test

    real = socket.getaddrinfo
    unwell = Unwell()

    def getaddrinfo(host: str, *arguments: Any, **options: Any) -> Any:
        if host != "api.test" or options.get("flags"):
            return real(host, *arguments, **options)
        unwell.asked += 1
        unwell.threads.append(threading.current_thread())
        if unwell.port == 0:
            unwell.over.wait(30)
            raise socket.gaierror(socket.EAI_AGAIN, "hung")
        return [_address(("127.0.0.1", unwell.port))]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    yield unwell
    unwell.over.set()
    for thread in unwell.threads:
        thread.join(10)


def test_a_hung_lookup_does_not_poison_its_name(
    caller: Caller, serve: Serve, certificates: Certificates, unwell: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve(tls=certificates.server("api.test"))
    caller.make("https://api.test", ca_bundle=certificates.ca_file, timeout_connect=0.1, max_retries=0)
    for _ in range(3):
        with pytest.raises(MolamTimeoutError):
            caller.call("create_payment_intent", ORDER)
    assert unwell.asked == 1
    unwell.port = server.port  # the resolver is well again, but the first lookup still hangs
    monkeypatch.setattr("molam_sdk._transport.dns.clock", lambda: time.monotonic() + 6)
    caller.make("https://api.test", ca_bundle=certificates.ca_file, timeout_connect=10, max_retries=0)
    assert caller.call("create_payment_intent", ORDER).id == "pi_1"
    assert unwell.asked == 2


def test_lookups_that_hang_get_fewer_the_more_there_are(
    caller: Caller, unwell: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    caller.make("https://api.test", timeout_connect=0.01, max_retries=0, cb_fail_max=1000)
    for second in range(100):
        monkeypatch.setattr("molam_sdk._transport.dns.clock", lambda now=second: float(now))
        with pytest.raises(MolamTimeoutError):
            caller.call("create_payment_intent", ORDER)
    assert unwell.asked == 5  # after 0, 5, 15, 35 and 75 seconds


def test_the_thread_of_a_lookup_does_not_keep_the_process_from_ending(caller: Caller, unwell: Any) -> None:
    caller.make("https://api.test", timeout_connect=0.05, max_retries=0)
    with pytest.raises(MolamTimeoutError):
        caller.call("create_payment_intent", ORDER)
    assert [thread.daemon for thread in unwell.threads] == [True]


def test_connections_are_given_up_before_a_load_balancer_closes_them() -> None:
    assert ClientConfig(api_key="sk_test_x", environment="sandbox").pool_idle_seconds < 60  # what most of them wait
