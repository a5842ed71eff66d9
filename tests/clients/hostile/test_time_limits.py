"""What a signal handler raises into a call: it ends the call at once, keeps its type, and tells what it ended."""

from __future__ import annotations

import ctypes
import io
import logging
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from molam_sdk import ClientConfig, MolamClient, MolamError, MolamSyncClient, RequestValidationError
from molam_sdk._resolving import failed_call
from molam_sdk._transport import dns
from molam_sdk.logging_setup import RedactingFilter
from molam_sdk.testing import Failure, NoReply, ScriptedTransport, ordinary_transport, reply
from tests.support.http_server import INTENT, ORDER, Serve, Turn, Wire, created, error, then_hang

pytestmark = pytest.mark.usefixtures("no_environment")


class SoftTimeLimitExceeded(Exception):  # noqa: N818 - its name in celery
    """As celery's and rq's: an ordinary exception."""


LIMITS: list[type[Exception]] = [SoftTimeLimitExceeded, TimeoutError, ConnectionResetError, ValueError, socket.gaierror]


@contextmanager
def limit(kind: type[Exception], seconds: float = 0.2) -> Iterator[None]:
    """After so long, a handler of SIGALRM raises in the main thread."""

    def on_alarm(signum: int, frame: Any) -> None:
        del signum, frame
        raise kind("time is up")

    before = signal.signal(signal.SIGALRM, on_alarm)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def limited(kind: type[Exception], call: Callable[[], Any]) -> Exception:
    """What the call ends with, which must be at once."""
    began = time.monotonic()
    with limit(kind), pytest.raises(kind, match="time is up") as caught:
        call()
    assert type(caught.value) is kind
    assert time.monotonic() - began < 0.9
    return caught.value


def config(url: str, **settings: Any) -> ClientConfig:
    return ClientConfig(**({"api_key": "sk_test_x", "base_url": url, "timeout_total": 5} | settings))


@pytest.mark.parametrize("kind", LIMITS)
def test_a_limit_while_waiting_for_the_answer_is_a_doubt_that_can_be_resolved(
    serve: Serve, secured: tuple[dict[str, Any], dict[str, Any]], kind: type[Exception]
) -> None:
    server = serve(then_hang(), created(replayed=True), **secured[0])
    with MolamSyncClient(config(server.url, **secured[1])) as client:
        raised = limited(kind, lambda: client.create_payment_intent(ORDER, idempotency_key="order-7"))
        failed = failed_call(raised)
        assert raised.__cause__ is failed
        assert (failed.outcome, failed.idempotency_key, failed.attempts) == ("unknown", "order-7", 0)
        assert client.cb.fail_counter == 0
        assert client.resolve(raised).id == "pi_1"
    assert [request.key for request in server.requests] == ["order-7", "order-7"]


@pytest.mark.parametrize("kind", LIMITS)
def test_a_limit_on_the_ordinary_road(serve: Serve, kind: type[Exception]) -> None:
    server = serve(usual=then_hang())
    with ordinary_transport(), MolamClient(config(server.url)) as client:
        raised = limited(kind, lambda: client.create_payment_intent(ORDER))
    assert failed_call(raised).outcome == "unknown"
    assert len(server.requests) == 1


@pytest.mark.parametrize("kind", LIMITS)
def test_a_limit_in_the_body_on_the_ordinary_road(serve: Serve, kind: type[Exception]) -> None:
    head = b"HTTP/1.1 201 X\r\nContent-Length: 100\r\n\r\n{"
    server = serve(usual=then_hang(head))
    with ordinary_transport(), MolamClient(config(server.url)) as client:
        raised = limited(kind, lambda: client.create_payment_intent(ORDER))
    assert failed_call(raised).outcome == "unknown"
    assert len(server.requests) == 1


@pytest.mark.parametrize("kind", LIMITS)
def test_a_limit_while_connecting_was_not_sent(kind: type[Exception], serve: Serve) -> None:
    server = serve(greet=lambda wire: wire.hang())  # no TLS handshake
    with MolamClient(config(server.url.replace("http:", "https:"), verify_ssl=False)) as client:
        raised = limited(kind, lambda: client.create_payment_intent(ORDER))
    assert failed_call(raised).operation == "create_payment_intent"


@pytest.mark.parametrize("kind", LIMITS)
def test_a_limit_while_a_name_is_looked_up(kind: type[Exception], monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()
    looked_up = dns.socket.getaddrinfo

    def hang(host: str, *arguments: Any, **options: Any) -> Any:
        if host != "hangs.test":
            return looked_up(host, *arguments, **options)
        if not options.get("flags"):
            over.wait(10)
        raise socket.gaierror("no such name")

    monkeypatch.setattr(dns.socket, "getaddrinfo", hang)
    try:
        with MolamClient(config("https://hangs.test")) as client:
            limited(kind, lambda: client.create_payment_intent(ORDER))
    finally:
        over.set()


@pytest.mark.parametrize("kind", LIMITS)
def test_a_limit_in_a_pause_keeps_the_doubt_of_the_attempt_before_it(serve: Serve, kind: type[Exception]) -> None:
    server = serve(error(503, "down", [("Retry-After", "3")]))
    with MolamClient(config(server.url)) as client:
        raised = limited(kind, lambda: client.create_payment_intent(ORDER))
        failed = failed_call(raised)
        assert (failed.outcome, failed.attempts) == ("unknown", 1)
        assert client.resolve(raised).id == "pi_1"
    assert len(server.requests) == 2


def _held(over: threading.Event) -> Turn:
    def turn(wire: Wire) -> bool:
        over.wait(5)
        return created()(wire)

    return turn


def test_a_limit_while_waiting_for_a_place_was_not_sent(serve: Serve) -> None:
    over = threading.Event()
    server = serve(_held(over))
    with MolamClient(config(server.url, bulkheads={"payments": 1}, bulkhead_wait=5)) as client:
        first = threading.Thread(target=client.create_payment_intent, args=(ORDER,))
        first.start()
        while not server.requests:
            time.sleep(0.01)
        raised = limited(SoftTimeLimitExceeded, lambda: client.create_payment_intent(ORDER))
        over.set()
        first.join()
        assert failed_call(raised).outcome == "not_sent"
        assert client.create_payment_intent(ORDER).id == "pi_1"
    assert len(server.requests) == 2


def test_a_limit_in_an_observer_says_that_molam_carried_it_out(serve: Serve) -> None:
    class Slow:
        def call_started(self, start: Any) -> None: ...

        def call_ended(self, record: Any) -> None:
            time.sleep(5)

    server = serve()
    with MolamClient(config(server.url), observers=[Slow()]) as client:
        raised = limited(SoftTimeLimitExceeded, lambda: client.create_payment_intent(ORDER))
    assert failed_call(raised).outcome == "accepted"


class SlowStream(io.StringIO):
    """Whose first line takes long, as a pipe that is full."""

    def write(self, text: str) -> int:
        if not self.tell():
            super().write("…")
            time.sleep(5)
        return super().write(text)


@pytest.mark.parametrize("redacting", [False, True], ids=["plain", "redacting"])
@pytest.mark.parametrize("level", [logging.INFO, logging.DEBUG], ids=["the call's line", "any line"])
def test_a_limit_in_a_handler_of_logging_is_not_swallowed_there(
    serve: Serve, capsys: pytest.CaptureFixture[str], redacting: bool, level: int
) -> None:
    server = serve()
    handler = logging.StreamHandler(SlowStream())
    if redacting:
        handler.addFilter(RedactingFilter())
    logger = logging.getLogger("molam_sdk")
    logger.addHandler(handler)
    logger.setLevel(level)
    try:
        with MolamSyncClient(config(server.url, debug=level == logging.DEBUG)) as client:
            raised = limited(SoftTimeLimitExceeded, lambda: client.create_payment_intent(ORDER))
            assert failed_call(raised).outcome == "accepted"
    finally:
        logger.setLevel(logging.NOTSET)
        logger.removeHandler(handler)
    assert "Logging error" in capsys.readouterr().err


class ShowingHandler(logging.Handler):
    """As those that send a record's arguments somewhere."""

    def emit(self, record: logging.LogRecord) -> None:
        repr(record.args)


def test_a_handler_that_shows_the_arguments_while_a_limit_is_handled_raises_nothing(serve: Serve) -> None:
    server = serve(then_hang(), created())
    logger, handler = logging.getLogger("molam_sdk"), ShowingHandler()
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        with MolamSyncClient(config(server.url)) as client:
            try:
                with limit(SoftTimeLimitExceeded):
                    client.create_payment_intent(ORDER)
            except SoftTimeLimitExceeded:
                assert client.create_payment_intent(ORDER).id == "pi_1"
    finally:
        logger.setLevel(logging.NOTSET)
        logger.removeHandler(handler)


def test_an_exception_raised_by_another_thread_is_no_failure_of_the_call(serve: Serve) -> None:
    """As rq's timer and dramatiq's middleware do: it comes up in whatever line is at hand."""
    server, caught = serve(then_hang(), usual=then_hang()), []

    def work() -> None:
        try:
            client.create_payment_intent(ORDER, idempotency_key="order-7")
        except BaseException as problem:
            caught.append(problem)

    with MolamClient(config(server.url, timeout_read=0.3, timeout_total=5)) as client:
        worker = threading.Thread(target=work)
        worker.start()
        while not server.requests:
            time.sleep(0.01)
        kind = ctypes.py_object(SoftTimeLimitExceeded)
        assert ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(worker.ident or 0), kind) == 1
        worker.join(5)
    assert [type(problem) for problem in caught] == [SoftTimeLimitExceeded]
    assert (failed_call(caught[0]).outcome, len(server.requests)) == ("unknown", 1)


def test_what_the_merchant_was_handling_is_not_taken_for_a_limit(serve: Serve) -> None:
    """A call made while a time limit is being handled fails with its own error."""
    server = serve(then_hang(), usual=lambda wire: bool(wire.reset()))
    with MolamClient(config(server.url, max_retries=0)) as client:
        try:
            with limit(TimeoutError):
                client.create_payment_intent(ORDER)
        except TimeoutError:
            with pytest.raises(MolamError, match="reset"):
                client.create_payment_intent(ORDER)


def test_an_exception_that_is_raised_twice_tells_of_the_call_that_it_ended_last() -> None:
    same = SoftTimeLimitExceeded("time is up")
    client = MolamClient(config("https://api.test"), transport=ScriptedTransport(same, same))
    for key in ("one", "two"):
        with pytest.raises(SoftTimeLimitExceeded):
            client.create_payment_intent(ORDER, idempotency_key=key)
        assert failed_call(same).idempotency_key == key


def test_an_error_of_the_setting_up_keeps_the_doubt_of_an_earlier_attempt() -> None:
    script = ScriptedTransport(NoReply(Failure.RESET, "cut"), RequestValidationError("no"), reply(201, INTENT))
    client = MolamClient(config("https://api.test"), transport=script)
    with pytest.raises(RequestValidationError) as caught:
        client.create_payment_intent(ORDER, idempotency_key="order-7")
    assert (caught.value.outcome, caught.value.idempotency_key) == ("unknown", "order-7")
    assert client.resolve(caught.value).id == "pi_1"
