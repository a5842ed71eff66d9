"""Log lines: JSON, one per call, nothing secret, and nothing done to logging that was not asked for."""

from __future__ import annotations

import io
import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from molam_sdk import ClientConfig, DeclinedError, MolamError, MolamSyncClient
from molam_sdk.logging_setup import JsonFormatter, RedactingFilter, setup_structured_logger
from molam_sdk.testing import ScriptedTransport
from tests.support.script import OK, TIMEOUT, error_reply

PAN = "4242424242424242"


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    buffer = io.StringIO()
    logger = setup_structured_logger(stream=buffer)
    yield buffer
    logger.handlers.clear()
    logger.propagate = True
    logger.setLevel(logging.NOTSET)


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def client_of(*script: Any, **settings: Any) -> MolamSyncClient:
    config = ClientConfig(**({"api_key": "sk_live_topsecret", "retry_backoff_factor": 0} | settings))
    return MolamSyncClient(config, transport=ScriptedTransport(*script), registry=CollectorRegistry())


def test_a_call_is_one_line(stream: io.StringIO) -> None:
    client_of(TIMEOUT, OK).create_payment_intent({"amount": 100.5, "currency": "USD"}, idempotency_key="order-7")
    (line,) = lines(stream)
    assert line.pop("ts") > 1_700_000_000_000
    assert line == {
        "name": "molam_sdk",
        "level": "INFO",
        "msg": "call",
        "endpoint": "create_payment_intent",
        "code": "200",
        "attempts": 2,
        "duration_ms": 0.0,
        "request_id": "req_ok",
        "idempotency_key": "order-7",
    }


def test_a_decline_is_an_info_line_with_its_outcome(stream: io.StringIO) -> None:
    with pytest.raises(DeclinedError):
        client_of(error_reply(402)).create_payment_intent({"amount": 100.5, "currency": "USD"})
    (line,) = lines(stream)
    assert (line["level"], line["code"], line["error"], line["outcome"]) == ("INFO", "402", "DeclinedError", "rejected")


def test_an_unknown_outcome_is_a_warning_with_the_key(stream: io.StringIO) -> None:
    with pytest.raises(MolamError):
        client_of(TIMEOUT, max_retries=0).create_payment_intent(
            {"amount": 100.5, "currency": "USD"}, idempotency_key="order-7"
        )
    (line,) = lines(stream)
    assert (line["level"], line["msg"], line["idempotency_key"]) == ("WARNING", "call unknown", "order-7")


def test_a_read_without_an_answer_is_no_warning(stream: io.StringIO) -> None:
    with pytest.raises(MolamError):
        client_of(TIMEOUT, max_retries=0).retrieve_refund("re_1")
    assert lines(stream)[0]["level"] == "INFO"


def test_nothing_is_built_where_nobody_listens(stream: io.StringIO) -> None:
    logging.getLogger("molam_sdk").setLevel(logging.ERROR)
    client_of(OK).create_payment_intent({"amount": 100.5, "currency": "USD"})
    assert stream.getvalue() == ""


def test_messages_arguments_extras_and_tracebacks_are_redacted(stream: io.StringIO) -> None:
    logger = logging.getLogger("molam_sdk.shop")
    try:
        raise ValueError(f"card {PAN} with sk_live_topsecret")
    except ValueError:
        logger.exception("paid with %s", PAN, extra={"card": {"cvc": "123", "n": PAN}, "name_of": "x"})
    (line,) = lines(stream)
    assert "ValueError" in line["exc"]
    assert line["card"]["cvc"] == "***REDACTED***"
    for secret in (PAN, "topsecret", '"123"'):
        assert secret not in stream.getvalue()


def test_a_record_whose_arguments_do_not_fit_keeps_its_line() -> None:
    record = logging.makeLogRecord({"msg": "%d %d", "args": ("x",)})
    assert "%d %d" in json.loads(JsonFormatter().format(record))["msg"]


def test_an_extra_cannot_take_the_place_of_a_field(stream: io.StringIO) -> None:
    logging.getLogger("molam_sdk").info("m", extra={"ts": "x", "level": "y"})
    (line,) = lines(stream)
    assert (line["extra_ts"], line["extra_level"], line["level"]) == ("x", "y", "INFO")


def test_line_breaks_cannot_forge_a_second_line(stream: io.StringIO) -> None:
    logging.getLogger("molam_sdk").info('a\n{"level": "INFO"}')
    assert len(stream.getvalue().splitlines()) == 1


def test_setting_up_twice_does_not_write_twice(stream: io.StringIO) -> None:
    setup_structured_logger("DEBUG", stream=stream)
    logging.getLogger("molam_sdk").debug("once")
    assert len(lines(stream)) == 1


def test_a_line_is_not_written_again_by_the_handlers_of_the_root(stream: io.StringIO) -> None:
    twice = io.StringIO()
    handler = logging.StreamHandler(twice)
    logging.getLogger().addHandler(handler)
    try:
        setup_structured_logger(stream=stream).warning("once")
    finally:
        logging.getLogger().removeHandler(handler)
    assert (stream.getvalue().count("once"), twice.getvalue()) == (1, "")


def test_stack_and_cached_tracebacks_are_written() -> None:
    record = logging.makeLogRecord({"msg": "m", "exc_text": f"Traceback {PAN}", "stack_info": "Stack sk_live_abc1"})
    line = json.loads(JsonFormatter().format(record))
    assert line["exc"] == "Traceback ***REDACTED***"
    assert line["stack"] == "Stack ***REDACTED***"


def test_the_filter_redacts_the_lines_of_other_libraries() -> None:
    buffer = io.StringIO()
    handler = logging.StreamHandler(buffer)
    handler.addFilter(RedactingFilter())
    handler.setFormatter(logging.Formatter("%(message)s %(card)s"))
    logger = logging.getLogger("urllib3.connectionpool.test")
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    try:
        raise KeyError(PAN)
    except KeyError:
        logger.debug("POST /pay?card=%s", PAN, exc_info=True, extra={"card": PAN})
    logger.removeHandler(handler)
    assert "POST /pay" in buffer.getvalue()
    assert "KeyError" in buffer.getvalue()
    assert PAN not in buffer.getvalue()


def test_urllib3_lines_can_be_had_as_json() -> None:
    buffer = io.StringIO()
    logger = setup_structured_logger("DEBUG", name="urllib3", stream=buffer)
    logging.getLogger("urllib3.connectionpool").debug("Authorization: Bearer abcdef123456")
    logger.handlers.clear()
    assert json.loads(buffer.getvalue())["msg"] == "Authorization: Bearer ***REDACTED***"


def test_importing_and_calling_adds_no_handler_and_no_basic_config() -> None:
    program = (
        "import logging; from molam_sdk import ClientConfig, MolamSyncClient; "
        "from molam_sdk.testing import ScriptedTransport, reply; "
        "c = MolamSyncClient(ClientConfig(api_key='sk_live_1'), transport=ScriptedTransport(reply(200, {})));"
        "c.get('/v1/x'); print(logging.root.handlers, logging.getLogger('molam_sdk').handlers)"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert (ran.stdout.strip(), ran.stderr) == ("[] []", "")
