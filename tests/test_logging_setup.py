"""Log lines: JSON, one per call, nothing secret, and nothing done to logging that was not asked for."""

from __future__ import annotations

import io
import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
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


def text_of(stream: io.StringIO, *filters: logging.Filter) -> None:
    """The logger of the fixture, with a plain formatter as Django's and gunicorn's."""
    (handler,) = (each for each in logging.getLogger("molam_sdk").handlers if vars(each).get("stream") is stream)
    handler.setFormatter(logging.Formatter("%(levelname)s %(name)s %(message)s"))
    handler.filters = [*filters]


@pytest.mark.parametrize("filters", [(), (RedactingFilter(),)], ids=["as it is", "redacted"])
def test_a_line_of_text_says_what_to_reconcile(stream: io.StringIO, filters: tuple[logging.Filter, ...]) -> None:
    text_of(stream, *filters)
    client = client_of(TIMEOUT, error_reply(402, "card_declined"), OK, max_retries=0)
    with pytest.raises(MolamError):
        client.create_payment_intent({"amount": 100.5, "currency": "USD"}, idempotency_key="order-7")
    with pytest.raises(DeclinedError):
        client.confirm_payment_intent("pi_1", idempotency_key="a outcome=unknown")
    client.create_payment_intent({"amount": 100.5, "currency": "USD"}, idempotency_key="order-8")
    assert stream.getvalue().splitlines() == [
        "WARNING molam_sdk call unknown create_payment_intent idempotency_key=order-7 outcome=unknown"
        " error=MolamTimeoutError code=timeout attempts=1 duration_ms=0.0",
        'INFO molam_sdk call confirm_payment_intent idempotency_key="a outcome=unknown" outcome=rejected'
        " error=DeclinedError decline_reason=card_declined code=402 attempts=1 duration_ms=0.0 request_id=req_error",
        "INFO molam_sdk call create_payment_intent idempotency_key=order-8 code=200 attempts=1 duration_ms=0.0"
        " request_id=req_ok",
    ]


@pytest.mark.parametrize("key", [PAN, "sk_live_topsecret", "Bearer abcdef123456"])
def test_a_secret_in_the_place_of_a_key_is_in_neither_kind_of_line(stream: io.StringIO, key: str) -> None:
    for _ in range(2):
        client_of(OK).create_payment_intent({"amount": 100.5, "currency": "USD"}, idempotency_key=key)
        text_of(stream)
    first, second = stream.getvalue().splitlines()
    secret = key.removeprefix("Bearer ")
    assert (secret in first, secret in second) == (False, False)


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


def test_a_line_of_json_holds_nothing_that_a_terminal_obeys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "log"
    handler = logging.FileHandler(file, encoding="utf-8")
    handler.setFormatter(JsonFormatter())
    logger = logging.getLogger("molam_sdk.test.json")
    monkeypatch.setattr(logger, "propagate", False)  # pytest-xdist can pass on no lone surrogate that pytest captured
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    odd = "\x1b[2J \x7f \x9b31m \u2028 \u202e \u200b \ufeff \udc80 reçu"
    logger.info(odd, extra={odd: odd, "nan": float("nan"), "deep": [float("-inf"), {"x": odd}]})
    handler.close()
    logger.removeHandler(handler)
    raw = file.read_text(encoding="utf-8")
    assert raw.count("\n") == 1
    assert raw.rstrip("\n").isprintable()
    line = json.loads(raw, parse_constant=pytest.fail)
    assert (line["msg"], line[odd], line["nan"], line["deep"]) == (odd, odd, "NaN", ["-Infinity", {"x": odd}])
    assert "reçu" in raw


def test_extras_are_found_wherever_they_stand_in_a_record() -> None:
    record = logging.makeLogRecord({"msg": "m"})
    early = {"order": "A1"} | vars(record)
    record.__dict__.clear()
    record.__dict__.update(early, message="m", asctime="now")
    line = json.loads(JsonFormatter().format(record))
    assert (line["order"], "message" in line, "asctime" in line) == ("A1", False, False)


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
