"""What there is to look at: the state on one line, and changes as they come."""

from __future__ import annotations

import json
from collections.abc import Iterator

import requests

from molam_sdk.sandbox import Sandbox
from tests.support.sandbox_api import Api
from tests.support.sandbox_receiver import Receiver


def test_the_status_says_what_the_console_shows(api: Api, sandbox: Sandbox, receiver: Receiver) -> None:
    api.subscribe(receiver.url)
    receiver.statuses = [410]
    sandbox.faults.garbage(times=1, operation="create_payout")
    api.paid(metadata={"sandbox": "disputed"})
    sandbox.webhooks.wait()
    told = requests.get(f"{sandbox.url}/_sandbox/status", timeout=5).json()
    assert (told["url"], told["api_key"], told["balanced"], told["payments"]) == (sandbox.url, sandbox.api_key, True, 1)
    assert (told["faults"], told["dead_letters"], told["deliveries"]) == (1, 1, {"delivered": 1, "failed": 1})
    assert 3500 < told["next_due"]["in_seconds"] <= 3600


def events(lines: Iterator[str]) -> Iterator[list[str]]:
    for line in lines:
        if line.startswith("data: "):
            yield json.loads(line[6:])


def test_changes_are_told_as_they_come(api: Api, sandbox: Sandbox) -> None:
    with requests.get(f"{sandbox.url}/_sandbox/stream", stream=True, timeout=10) as stream:
        assert stream.headers["Content-Type"].startswith("text/event-stream")
        told = events(stream.iter_lines(chunk_size=1, decode_unicode=True))
        assert next(told) == ["everything"]
        api.intent()
        seen = set(next(told))
        while not {"payments", "requests"} <= seen:
            seen |= set(next(told))
        requests.delete(f"{sandbox.url}/_sandbox/faults", timeout=5)
        while "faults" not in seen:
            seen |= set(next(told))


def test_a_stream_does_not_hold_up_the_end(sandbox: Sandbox) -> None:
    with requests.get(f"{sandbox.url}/_sandbox/stream", stream=True, timeout=10) as stream:
        sandbox.stop()
        assert b"everything" in stream.raw.read()
