"""Mutated headers and bodies by the ten thousand, signed and unsigned: an answer each, and never more than that.

``MOLAM_FUZZ_CASES=1000000`` tries as many as that.
"""

from __future__ import annotations

import logging
import os
import random
from collections.abc import Iterator
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from molam_sdk.receiver import WebhookReceiver
from molam_sdk.receiver.answers import ANSWERS
from molam_sdk.store import MemoryStore
from molam_sdk.webhooks import WebhookEvent, sign
from tests.support.tally import Tally
from tests.support.webhooks.deliveries import NOW, SECRET, body_of
from tests.webhooks.test_fuzz import mutated, says_the_same

pytestmark = pytest.mark.slow

CASES = int(os.environ.get("MOLAM_FUZZ_CASES", "50000"))
BATCH = 2_500
PIECES = [
    *(b"\xef\xbb\xbf", b"\\ud83d", b"\\ude00", b'"\\u0000"', b"[" * 300, b"{" * 2000, b"9" * 5000, b"1e999", b"NaN"),
    *(b'"id":7,', b'"type":null,', b'"created":1e400,', b'"data":[],', b'"livemode":"x",'),
    *(b"\xff", b"\0", b"\\", b'"', b"-", b"e"),
]


def look_at(event: WebhookEvent) -> None:
    """What any handler may ask of an event, whatever was sent."""
    str((event.created, event.object_id, event.livemode, event.get("data"), event))


@pytest.fixture
def receiver() -> Iterator[WebhookReceiver]:
    receiver = WebhookReceiver(
        {"v1": SECRET}, MemoryStore(), in_order=True, livemode=True, registry=CollectorRegistry(), clock=lambda: NOW
    )
    receiver.on("*")(look_at)
    logger = logging.getLogger("molam_sdk.webhooks")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    yield receiver
    logger.setLevel(before)
    receiver.close()


def spoilt(chance: random.Random, body: bytes) -> bytes:
    """A body with a piece in it that hurts readers of JSON, or mutated at random."""
    if chance.random() < 0.5:
        return mutated(chance, body)
    at = chance.randrange(len(body))
    return body[:at] + chance.choice(PIECES) + body[at + chance.randrange(3) :]


@pytest.mark.parametrize("batch", range(CASES // BATCH))
def test_whatever_comes_is_answered(receiver: WebhookReceiver, batch: int) -> None:
    chance, answers = random.Random(batch), Tally()
    for number in range(BATCH):
        body = body_of(id=f"evt_{batch}_{number}", livemode=True)
        header = sign(body, SECRET, now=NOW).encode()
        what = number % 3
        given: Any = body
        if what == 0:  # signed by Molam, whatever it is
            given = spoilt(chance, body)
            header = sign(given, SECRET, now=NOW).encode()
        elif what == 1:
            header = mutated(chance, header)
            header = header if not says_the_same(header, sign(body, SECRET, now=NOW).encode()) else b"t=1"
        else:
            given = mutated(chance, body)
        answer = receiver.receive([(b"Molam-Signature", header)], given)
        assert answer.status == ANSWERS[answer.result].status
        assert answer.status != 400 or what != 0, (given, answer)
        assert answer.status != 200 or what == 0, (header, given)
        answers.count(answer.result)
    assert answers["handled"] > 0
    assert answers["malformed"] > 0
    assert answers["invalid"] > 0
    assert answers["failed"] == answers["store_error"] == 0
