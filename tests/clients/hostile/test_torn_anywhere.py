"""An exception raised between any two lines of the SDK leaks nothing, and what it tore can be resolved. Both clients.

A sample of the lines is torn in every run of the tests; ``make tears`` takes each.
"""

from __future__ import annotations

import asyncio
import gc
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from molam_sdk import MolamError, RequestValidationError
from molam_sdk._core.doubts import request_of
from molam_sdk._core.operations import create_payment_intent
from molam_sdk._resolving import failed_call
from molam_sdk.exceptions import Doubt
from tests.support.caller import Caller
from tests.support.http_server import INTENT, MOLAMS, ORDER, HostileServer, Serve, Turn, answer, created, error
from tests.support.tearing import TimeIsUp, Torn, in_a_thread_of_its_own, lines, tearing

# Sockets that are torn out of opening a connection are closed when they are collected, which Python remarks on.
pytestmark = [
    pytest.mark.slow,
    pytest.mark.usefixtures("no_environment"),
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"),
]

PAGE = answer(200, {"data": [INTENT], "has_more": True}, [MOLAMS])
LAST_PAGE = answer(200, {"data": [INTENT | {"id": "pi_2"}]}, [MOLAMS])
CAPTURED = answer(200, INTENT | {"status": "succeeded", "amount_captured": 5}, [MOLAMS])


def create(caller: Caller, key: str) -> Any:
    return caller.call("create_payment_intent", ORDER, idempotency_key=key)


def capture(caller: Caller, key: str) -> Any:
    return caller.call("capture_payment_intent", "pi_1", idempotency_key=key)


def read_all(caller: Caller, key: str) -> Any:
    return caller.collect("list_payment_intents")


def resolve(caller: Caller, key: str) -> Any:
    base_url = caller.client.base_url
    left = Doubt("unknown", request_of(create_payment_intent(ORDER, key, None)), time.time(), None, base_url)
    return caller.call("resolve", left, timeout=5)


@dataclass(frozen=True)
class Course:
    """What a call goes through. ``fresh``: on a connection of its own; ``anew``: by a client of its own."""

    act: Callable[[Caller, str], Any] = create
    script: tuple[Turn, ...] = ()
    fresh: bool = False
    anew: bool = False
    settings: dict[str, Any] = field(default_factory=dict)


COURSES = {
    "answered": Course(),
    "declined": Course(script=(error(402, "card_declined"),)),
    "connecting": Course(fresh=True),
    "retried": Course(script=(error(503, "down"),), settings={"max_retries": 1}),
    "looked up": Course(
        capture, (error(500, "oops"), error(409, "already_captured"), CAPTURED), settings={"max_retries": 1}
    ),
    "asking for its API key": Course(fresh=True, anew=True, settings={"api_key": lambda: "sk_test_asked"}),
    "pages": Course(read_all, (PAGE, LAST_PAGE)),
    "resolved": Course(resolve, (error(503, "down"), created())),
}


@pytest.fixture(autouse=True)
def little_to_collect() -> Iterator[None]:
    """What stands already is not looked at by the garbage collector, so that it can be called for every line."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


class Subject:
    """A client that is torn: guarded, one place, one probe; and what it must not lose."""

    def __init__(self, caller: Caller, server: HostileServer, course: Course) -> None:
        self.caller = caller
        self.server = server
        self.course = course
        self.registry = CollectorRegistry()
        self.noted: list[object] = []
        if caller._loop is not None:
            caller._loop.set_exception_handler(lambda _loop, context: self.noted.append(context.get("exception")))
        self._make()

    def _make(self) -> None:
        settings = {"bulkheads": {"payments": 1}, "max_retries": 0, "retry_backoff_factor": 0.0, "timeout_total": 5}
        self.caller.make(
            self.server.url, registry=self.registry, cb_half_open_probes=1, **(settings | self.course.settings)
        )
        self.client = self.caller.client

    def get_ready(self) -> None:
        """As before the first line."""
        if self.course.anew:
            self.caller.wait(self.client.close())
            self._make()
        if self.course.fresh:
            self.client._state.discard_connections()
            self.settle()
        self.server.script[:] = self.course.script
        self.noted.clear()
        if self.client.cb.current_state != "half-open":
            self.client.cb.half_open()

    def settle(self) -> None:
        """Let the event loop do what is left to do."""
        gc.collect()
        if self.caller._loop is not None:
            for _ in range(5):
                self.caller._loop.run_until_complete(asyncio.sleep(0))

    def leaks(self, key: str) -> dict[str, object]:
        """What is still held though no call is under way: nothing should be."""
        state = self.client._state
        held: dict[str, object] = {
            "in flight": self.registry.get_sample_value("molam_sdk_calls_in_flight", {"group": "payments"}),
            "probes": len(self.client._breaker._now[1]._probes),
            "connections": sum(_standing(pool) - len(pool) for pool in self._pools()),
        }
        if self.caller.kind == "sync":
            held["places"] = len(state.bulkheads._groups["payments"])
        else:
            held["places"] = state.bulkheads._semaphores["payments"].taken
            held["permits to open"] = sum(pool._opening.taken for pool in self._pools())
        entry = state.doubts._entries.get(key)
        held["keys in use"] = entry is not None and entry.running
        return {name: count for name, count in held.items() if count}

    def _pools(self) -> Iterator[Any]:
        transport = self.client._state.transport
        if self.caller.kind == "async":
            yield from (route.pool for route in transport._routes.values())
        else:
            yield from (known.route.pool for known in transport.session.get_adapter("http://")._pools.values())


def _standing(pool: Any) -> int:
    return len(pool._standing if hasattr(pool, "_standing") else pool.standing)


def torn(subject: Subject, line: int, kind: type[BaseException]) -> tuple[str, BaseException | None]:
    """Where the n-th line is, and what the call ends with; "" once it has fewer."""
    (ended,) = _torn(subject, line, kind)
    return ended


def _torn(subject: Subject, line: int, kind: type[BaseException]) -> Iterator[tuple[str, BaseException | None]]:
    """In a generator, with which what is being handled ends: an ``except`` that is torn at its first line leaves its
    exception there, and an event loop would give that one for the context of what it raises again."""

    def tear(where: str) -> None:
        raise kind(where)

    ended: BaseException | None = None
    with tearing(line, tear) as at:
        try:
            subject.course.act(subject.caller, f"order-{line}")
        except BaseException as problem:
            ended = problem
    yield at.where, ended


def check_claim(subject: Subject, raised: BaseException | None, line: int, where: str) -> None:
    """The torn call can be resolved if its request was read."""
    sent = [request for request in subject.server.requests if request.key == f"order-{line}"]
    try:
        failed = failed_call(raised or AssertionError("swallowed"))
    except RequestValidationError:
        assert not sent or raised is None, f"sent, and nothing to resolve it by: {where}"
        return
    assert failed.idempotency_key == (f"order-{line}" if subject.course.act is not read_all else None)
    if sent:
        assert failed.outcome != "not_sent", where


@pytest.mark.parametrize("kind", [Torn, TimeIsUp])
@pytest.mark.parametrize("course", COURSES.values(), ids=COURSES)
@in_a_thread_of_its_own
def test_a_call_torn_at_any_line_leaks_nothing_and_can_be_resolved(
    serve: Serve, caller: Caller, course: Course, kind: type[BaseException], request: pytest.FixtureRequest
) -> None:
    subject = Subject(caller, serve(), course)
    subject.get_ready()
    if not course.anew:
        with suppress(MolamError):
            course.act(caller, "warm")
    torn_lines = 0
    for line in lines(zlib.crc32(request.node.name.encode())):
        subject.get_ready()
        where, raised = torn(subject, line, kind)
        if not where:
            break
        torn_lines += 1
        subject.settle()
        told = isinstance(raised, kind) or any(isinstance(problem, kind) for problem in subject.noted)
        assert told, f"swallowed: {where} ended with {raised!r}"
        check_claim(subject, raised, line, where)
        del raised
        subject.noted.clear()
        subject.settle()
        assert subject.leaks(f"order-{line}") == {}, where
    assert torn_lines > 3


@pytest.mark.parametrize("kind", [Torn, TimeIsUp])
@in_a_thread_of_its_own
def test_a_close_torn_at_any_line_can_be_repeated(serve: Serve, caller: Caller, kind: type[BaseException]) -> None:
    subject = Subject(caller, serve(), Course())
    line = 0
    while True:
        line += 1
        subject._make()
        create(caller, f"before-{line}")

        def tear(where: str) -> None:
            raise kind(where)

        with tearing(line, tear) as at, suppress(kind):
            caller.wait(subject.client.close())
        caller.wait(subject.client.close())
        subject.settle()
        assert [(len(pool), _standing(pool)) for pool in subject._pools()] == [(0, 0)], at.where
        if not at.where:
            break
    assert line > 5
