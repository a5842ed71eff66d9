"""Threads, leaks, and the end: of a client, and of the interpreter."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from molam_sdk import ClientClosedError
from tests.support.caller import Caller
from tests.support.http_server import (
    ENDED,
    INTENT,
    KEPT,
    ORDER,
    HostileServer,
    Serve,
    Turn,
    Wire,
    created,
    error,
    html,
    http,
    then_close,
    then_reset,
)

PROGRAMS = Path(__file__).parent / "programs"


def environment(server: HostileServer) -> dict[str, str]:
    return os.environ | {
        "HOSTILE_URL": server.url,
        "PYTHONPATH": os.pathsep.join([str(PROGRAMS), os.environ.get("PYTHONPATH", "")]),
    }


@pytest.mark.parametrize("how", ["unclosed", "closed", "collected", "busy", "refused"])
def test_the_interpreter_ends_in_silence(serve: Serve, how: str) -> None:
    server = serve()
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", str(PROGRAMS / "unclosed.py"), how],
        env=environment(server), capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def _echo_the_key(server: HostileServer) -> Turn:
    """Answers each request with its own key as the id: an answer that went to another call is seen."""

    def turn(wire: Wire) -> bool:
        mine = next(seen for seen in reversed(server.requests) if seen.connection == wire.number)
        wire.send(http(201, INTENT | {"id": mine.key}))
        return KEPT

    return turn


def test_64_calls_at_a_time_each_get_their_own_answer(caller: Caller, serve: Serve) -> None:
    server = serve()
    server.usual = _echo_the_key(server)
    caller.make(server.url, timeout_connect=10)
    keys = [f"key-{number}" for number in range(1280)]
    found = caller.together([("create_payment_intent", (ORDER,), {"idempotency_key": key}) for key in keys], 64)
    assert [getattr(answer, "id", answer) for answer in found] == keys
    assert server.connections <= 64


def test_a_call_under_way_when_the_client_is_closed_may_end_but_keeps_no_connection(serve: Serve) -> None:
    caller = Caller("sync")
    server = serve()
    closed_by_client = []

    def close_then_answer(wire: Wire) -> bool:
        caller.client.close()
        wire.send(http(201, INTENT))
        closed_by_client.append(wire.sock.recv(1))
        return ENDED

    server.script.append(close_then_answer)
    caller.make(server.url)
    assert caller.call("create_payment_intent", ORDER).id == "pi_1"
    with pytest.raises(ClientClosedError):
        caller.call("create_payment_intent", ORDER)
    server.__exit__()
    assert closed_by_client == [b""]


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads its memory from /proc")
def test_thousands_of_calls_leave_nothing_behind(serve: Serve) -> None:
    cycle = [created()] * 12 + [error(402, "x"), html(502), then_close(), then_reset(http(201, INTENT)[:-4]),
             then_close(b"nonsense"), error(503, "x")]  # fmt: skip
    server = serve()
    server.requests = Forgetful()

    def usual(wire: Wire) -> bool:
        cycle.append(cycle.pop(0))
        return cycle[0](wire)

    server.usual = usual
    done = subprocess.run(
        [sys.executable, str(PROGRAMS / "soak.py"), "4000"],
        env=environment(server), capture_output=True, text=True, timeout=100,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    failed, memory_kib, descriptors = map(int, done.stdout.split())
    print(done.stdout)
    assert failed > 1000
    assert memory_kib < 1024
    assert descriptors <= 1


class Forgetful(list):  # type: ignore[type-arg]  # a stand-in for the list of requests
    """Keeps nothing."""

    def append(self, _: object) -> None:
        pass
