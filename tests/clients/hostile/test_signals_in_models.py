"""A signal that strikes while pydantic is at work: what its handler raises comes out, and nothing of pydantic's."""

from __future__ import annotations

import random
import signal
import threading
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import pytest

from molam_sdk import ClientConfig, MolamClient, RequestValidationError
from molam_sdk._core import operations
from molam_sdk._resolving import failed_call
from molam_sdk.models import PaymentIntent, PaymentIntentCreate, PayoutCreate, Refund
from molam_sdk.testing import ScriptedTransport, reply
from tests.support.http_server import INTENT, ORDER

pytestmark = [
    pytest.mark.usefixtures("no_environment"),
    pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="this system has no timer signals"),
    # Python itself prints what a handler raises into its own clearing up.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
PAYLOAD = {"amount": "100.50", "currency": "usd", "metadata": {f"k{n}": "v" * 10 for n in range(40)}}


class Limit(Exception):  # noqa: N818 - as celery's
    """As celery's SoftTimeLimitExceeded."""


class ValueLimit(ValueError):  # noqa: N818
    """Of the kind that pydantic takes for a validator's verdict."""


class HardLimit(BaseException):
    """As dramatiq's."""


KINDS: list[type[BaseException]] = [Limit, ValueLimit, HardLimit, AssertionError, KeyboardInterrupt]


@contextmanager
def struck(kind: type[BaseException], seconds: float) -> Iterator[None]:
    """After so long a handler raises."""

    def on_alarm(*_: Any) -> None:
        raise kind("time is up")

    before = signal.signal(signal.SIGALRM, on_alarm)
    try:
        signal.setitimer(signal.ITIMER_REAL, seconds)
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def ends(kind: type[BaseException], act: Callable[[], Any], longest: float) -> Counter[str]:
    """What it came to: done, or what was raised, until it was struck often."""
    dice, found = random.Random(11), Counter[str]()
    while found.total() - found["done"] < 60 and found["done"] < 5000:
        try:
            with struck(kind, dice.uniform(1e-6, longest)):
                act()
            found["done"] += 1
        except BaseException as raised:
            found[type(raised).__name__] += 1
    return found


def functions_in(error: BaseException) -> set[str]:
    """The functions that an exception came through."""
    return {frame.name for frame in traceback.extract_tb(error.__traceback__)}


@pytest.mark.parametrize("kind", KINDS)
def test_while_a_payload_is_made_its_own_exception_comes_out(kind: type[BaseException]) -> None:
    found = ends(kind, lambda: operations.create_payment_intent(PAYLOAD, "k", None), 60e-6)
    assert set(found) <= {"done", kind.__name__}, found
    assert found[kind.__name__] > 0


@pytest.mark.parametrize("kind", KINDS)
def test_while_an_answer_is_read_its_own_exception_comes_out_and_the_call_can_be_resolved(
    kind: type[BaseException],
) -> None:
    answer = reply(201, INTENT | {"metadata": PAYLOAD["metadata"]}, {"X-Molam-Request-Id": "req_1"})
    config = ClientConfig(api_key="sk_test_x", environment="sandbox", max_retries=0)

    told = set[tuple[str | None, str]]()

    def act() -> None:
        transport = ScriptedTransport(answer)
        try:
            MolamClient(config, transport=transport).create_payment_intent(ORDER, idempotency_key="order-7")
        except kind as raised:
            # What strikes when the call is over, on its way back to the merchant, is the merchant's own.
            if transport.requests and "_send" in functions_in(raised):
                failed = failed_call(raised)
                told.add((failed.idempotency_key, failed.outcome))
            raise

    found = ends(kind, act, 300e-6)
    assert set(found) <= {"done", kind.__name__}, found
    assert told <= {("order-7", "unknown"), ("order-7", "accepted")}
    assert found[kind.__name__] > 0


@pytest.mark.parametrize("kind", KINDS)
def test_while_a_model_is_built_its_own_exception_comes_out(kind: type[BaseException]) -> None:
    models = [PaymentIntentCreate, PayoutCreate, PaymentIntent, Refund]
    dice = random.Random(3)
    before, threading.excepthook = threading.excepthook, lambda _: None
    try:
        found = ends(kind, lambda: dice.choice(models).model_rebuild(force=True), 3e-3)
    finally:
        threading.excepthook = before
    assert set(found) <= {"done", kind.__name__}, found
    assert found[kind.__name__] > 0
    assert operations.create_payment_intent(PAYLOAD, "k", None).body


class _Striking(Decimal):
    """An amount during whose n-th look a signal strikes."""

    left = 0

    def is_finite(self) -> bool:
        _Striking.left -= 1
        if _Striking.left == 0:
            signal.raise_signal(signal.SIGALRM)
        return super().is_finite()


@pytest.mark.parametrize("kind", KINDS)
def test_within_a_validator_it_is_not_taken_for_a_verdict(kind: type[BaseException]) -> None:
    """Pydantic makes a ValidationError of every ValueError and AssertionError."""
    looks = 0
    while True:
        looks += 1
        _Striking.left = looks
        try:
            with struck(kind, 30):
                operations.create_payment_intent({"amount": _Striking(5), "currency": "USD"}, "k", None)
        except kind as raised:
            told = str(raised)
        else:
            break
        assert told == "time is up"
    assert looks > 1


def test_what_a_payload_is_refused_for_is_told_as_before() -> None:
    with struck(Limit, 30), pytest.raises(RequestValidationError, match="amount: Amount must be positive"):
        operations.create_payment_intent({"amount": -5, "currency": "USD"}, "k", None)
