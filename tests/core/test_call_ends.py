"""The rarer ends of a call: an API key that does not come or is another account's, and what is raised into it."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from molam_sdk import (
    ConfigurationError,
    MolamError,
    MolamTimeoutError,
    NetworkError,
    NotFoundError,
    RequestValidationError,
)
from molam_sdk.testing import ScriptedTransport
from tests.support.script import OK, RESET, client_of, error_reply, failed, pay


def test_a_key_callable_that_hangs_is_a_timeout_and_nothing_was_sent() -> None:
    over = threading.Event()
    transport = ScriptedTransport(OK)
    client = client_of(transport, api_key=lambda: str(over.wait()))
    try:
        with pytest.raises(MolamTimeoutError) as caught:
            client.get("/v1/x", timeout=0.05)
    finally:
        over.set()
    assert (caught.value.outcome, transport.requests) == ("not_sent", [])


def test_a_doubt_is_not_resolved_with_a_key_that_turns_out_to_be_another_accounts() -> None:
    doubt = failed(ScriptedTransport(RESET), max_retries=0, api_key=lambda: "sk_test_one")
    transport = ScriptedTransport(OK, OK)
    other = client_of(transport, api_key=lambda: "sk_test_other")

    with pytest.raises(RequestValidationError, match="this client's API key is of account") as caught:
        other.resolve(doubt)

    assert (caught.value.outcome, caught.value.idempotency_key, transport.requests) == ("unknown", "order-7", [])
    assert other.resolve(doubt, same_account=True).id == "pi_1"


def test_a_read_is_asked_again_however_old_it_is() -> None:
    client = client_of(ScriptedTransport(RESET, OK), max_retries=0)
    with pytest.raises(NetworkError) as caught:
        client.retrieve_payment_intent("pi_1")
    caught.value.occurred_at -= 10 * 24 * 3600
    caught.value.first_used_at = caught.value.occurred_at
    assert client.resolve(caught.value).id == "pi_1"


def test_an_error_that_the_transport_raises_is_given_the_facts_of_the_call() -> None:
    error = failed(ScriptedTransport(RESET, ConfigurationError("the certificate's file is gone")))
    assert isinstance(error, ConfigurationError)
    assert (error.outcome, error.operation, error.idempotency_key) == ("unknown", "create_payment_intent", "order-7")


def test_an_error_of_another_call_keeps_its_own_facts() -> None:
    of_another = failed(ScriptedTransport(error_reply(404)))
    assert isinstance(of_another, NotFoundError)
    with pytest.raises(NotFoundError) as caught:
        client_of(ScriptedTransport(of_another)).create_payment_intent(
            {"amount": 5, "currency": "USD"}, idempotency_key="order-8"
        )
    assert caught.value.idempotency_key == "order-7"


class Interrupting(ScriptedTransport):
    """Ctrl-C in a pause."""

    def sleep(self, seconds: float) -> None:
        raise KeyboardInterrupt


def test_an_interruption_of_a_pause_keeps_what_the_attempt_before_it_said() -> None:
    with pytest.raises(KeyboardInterrupt) as caught:
        pay(Interrupting(RESET, OK))
    cause = caught.value.__cause__
    assert isinstance(cause, MolamError)
    assert (cause.outcome, cause.attempts) == ("unknown", 1)


def test_causes_that_go_round_in_a_circle_end_the_search_for_a_place() -> None:
    one, other = KeyboardInterrupt("one"), RuntimeError("other")
    one.__cause__, other.__cause__ = other, one
    with pytest.raises(KeyboardInterrupt) as caught:
        pay(ScriptedTransport(one))
    links: list[Any] = [caught.value]
    while (below := links[-1].__cause__) is not None and len(links) < 5:
        links.append(below)
    assert [type(link) for link in links] == [KeyboardInterrupt, RuntimeError, NetworkError]
