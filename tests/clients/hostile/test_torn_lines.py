"""A time limit that strikes while the line of a call is written ends the call, whichever handler writes it.

The handlers of logging print what goes wrong in them, and go on: an ordinary exception of a signal handler as well.
"""

from __future__ import annotations

import io
import itertools
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from molam_sdk import ClientConfig, MolamSyncClient
from molam_sdk.logging_setup import JsonFormatter, setup_structured_logger
from molam_sdk.testing import ScriptedTransport, reply
from tests.support.http_server import INTENT, ORDER
from tests.support.tearing import OUR_CODE, STRIDE, TimeIsUp, tearing

REDACTION = str(Path(OUR_CODE) / "redaction")


@pytest.fixture(params=["text", "JSON", "our own"])
def handler(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[logging.Handler]:
    """The only handler of the SDK's logger."""
    monkeypatch.setattr(logging, "raiseExceptions", False)  # what it swallows it would print
    logger = logging.getLogger("molam_sdk")
    before = logger.handlers[:], logger.level, logger.propagate
    if request.param == "our own":
        setup_structured_logger(stream=io.StringIO())
        handler = logger.handlers[-1]
    else:
        handler = logging.StreamHandler(io.StringIO())
        handler.setFormatter(JsonFormatter() if request.param == "JSON" else logging.Formatter("%(message)s"))
    logger.handlers, logger.propagate = [handler], False
    logger.setLevel(logging.INFO)
    yield handler
    logger.handlers, level, logger.propagate = before
    logger.setLevel(level)


def test_a_time_limit_that_strikes_in_writing_a_line_is_not_swallowed(handler: logging.Handler) -> None:
    def tear(where: str) -> None:
        raise TimeIsUp(where)

    answers = itertools.repeat(reply(201, INTENT), 2000)
    client = MolamSyncClient(
        ClientConfig(api_key="sk_test_x", base_url="https://api.test"),
        transport=ScriptedTransport(*answers),
        registry=CollectorRegistry(),
    )
    for line in itertools.count(1, min(5, STRIDE)):
        struck: list[BaseException] = []
        with tearing(line, tear, REDACTION) as at:
            try:
                client.create_payment_intent(ORDER, idempotency_key=f"order-{line}")
            except TimeIsUp as problem:
                struck.append(problem)
        if not at.where:
            break
        assert [str(problem) for problem in struck] == [at.where]
    assert line > 20
    assert (client.create_payment_intent(ORDER)).id == "pi_1"  # what struck one call strikes no other
    client.close()
