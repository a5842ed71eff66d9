"""What one call leaves to the next: keys in doubt, found by key, group or error, and where asking again is refused."""

from __future__ import annotations

import asyncio
import builtins
from typing import Any

import pytest

from molam_sdk import (
    ClientConfig,
    DeclinedError,
    MolamAsyncClient,
    MolamError,
    MolamTimeoutError,
    RateLimitError,
    RequestValidationError,
)
from molam_sdk._core.account import account_of
from molam_sdk._core.wire import Failure, NoReply
from molam_sdk.testing import AsyncScriptedTransport, ScriptedTransport
from tests.support.caller import Caller
from tests.support.script import OK, REFUSED, TIMEOUT, error_reply

PAYMENT = {"amount": "100.50", "currency": "USD"}
HOUR = 3600.0


def begun(caller: Caller, *script: Any, **options: Any) -> ScriptedTransport:
    transport = ScriptedTransport(*script)
    caller.make(transport=transport, **{"max_retries": 0} | options)
    return transport


def pay(caller: Caller, key: str = "k", payment: Any = PAYMENT) -> Any:
    return caller.call("create_payment_intent", payment, idempotency_key=key)


def failing(caller: Caller, key: str = "k") -> MolamError:
    with pytest.raises(MolamError) as caught:
        pay(caller, key)
    return caught.value


@pytest.mark.parametrize(
    "later",
    [error_reply(429), error_reply(401), error_reply(403), REFUSED, NoReply(Failure.CIRCUIT_OPEN, "open"),
     NoReply(Failure.BULKHEAD_FULL, "full"), error_reply(402, X_Molam_Request_Id="")],
    ids=["429", "401", "403", "refused", "open breaker", "full bulkhead", "a bare 402"],
)  # fmt: skip
def test_a_later_call_under_a_key_in_doubt_starts_from_that_doubt(caller: Caller, later: Any) -> None:
    begun(caller, TIMEOUT, later, error_reply(402))
    first, second = failing(caller), failing(caller)
    assert (first.outcome, second.outcome) == ("unknown", "unknown")
    assert second.first_used_at == first.first_used_at
    assert failing(caller).outcome == "rejected"
    assert caller.client.in_doubt() == ()


def test_a_key_that_is_settled_starts_anew(caller: Caller) -> None:
    begun(caller, TIMEOUT, OK, error_reply(429))
    failing(caller)
    assert [doubt.idempotency_key for doubt in caller.client.in_doubt()] == ["k"]
    assert pay(caller).id == "pi_1"
    assert caller.client.in_doubt() == ()
    assert failing(caller).outcome == "rejected"


def test_the_same_key_with_another_body_or_operation_is_refused_before_sending(caller: Caller) -> None:
    transport = begun(caller, TIMEOUT, OK)
    failing(caller)
    with pytest.raises(RequestValidationError, match="'k' is in use, or in doubt"):
        pay(caller, payment=PAYMENT | {"amount": 7})
    with pytest.raises(RequestValidationError, match="'k' is in use, or in doubt"):
        caller.call("cancel_payment_intent", "pi_1", idempotency_key="k")
    assert len(transport.requests) == 1
    assert pay(caller).id == "pi_1"


def test_a_key_in_use_is_refused_to_another_body() -> None:
    def inside(_request: Any) -> Any:
        with pytest.raises(RequestValidationError, match="in use"):
            pay(caller, payment=PAYMENT | {"amount": 7})
        transport.script.insert(0, error_reply(429))
        with pytest.raises(RateLimitError) as caught:
            pay(caller)
        assert caught.value.outcome == "unknown"  # the first call may yet be carried out
        return OK

    caller = Caller("sync")
    transport = begun(caller, inside)
    assert pay(caller).id == "pi_1"
    caller.close()


def test_what_is_lost_is_found_by_its_key(caller: Caller) -> None:
    begun(caller, TIMEOUT, OK)
    failing(caller)
    assert caller.call("resolve", "k").id == "pi_1"
    with pytest.raises(RequestValidationError, match="nothing that this client remembers is in doubt"):
        caller.call("resolve", "k")


def test_what_in_doubt_lists_can_be_resolved(caller: Caller) -> None:
    transport = begun(caller, TIMEOUT, error_reply(402))
    error = failing(caller)
    (doubt,) = caller.client.in_doubt()
    assert (doubt.outcome, doubt.request, doubt.base_url) == ("unknown", error.request, "https://api.test")
    assert doubt.account == error.account == account_of(transport.requests[0].headers)
    with pytest.raises(DeclinedError) as caught:
        caller.call("resolve", doubt)
    assert caught.value.outcome == "rejected"


def test_the_number_of_remembered_keys_is_bounded(caller: Caller) -> None:
    begun(caller, *[TIMEOUT] * 5, remembered_keys=3)
    for n in range(5):
        failing(caller, f"k{n}")
    assert [doubt.idempotency_key for doubt in caller.client.in_doubt()] == ["k2", "k3", "k4"]


def test_an_error_knows_account_host_and_first_use(caller: Caller) -> None:
    begun(caller, TIMEOUT)
    error = failing(caller)
    assert error.base_url == "https://api.test"
    assert error.account == account_of({"Authorization": "Bearer sk_test_caller"})
    assert "sk_test_caller" not in str(error.__dict__)
    assert error.first_used_at is not None
    again = MolamError.from_dict(error.to_dict())
    assert (again.account, again.base_url, again.first_used_at) == (error.account, error.base_url, error.first_used_at)


@pytest.mark.parametrize("change", ["region", "base URL", "account", "another client"])
def test_resolve_refuses_another_account_or_host_before_anything_is_sent(caller: Caller, change: str) -> None:
    transport = begun(caller, TIMEOUT, OK)
    error = failing(caller)
    if change == "region":
        caller.client.set_region("eu-west")
    elif change == "base URL":
        caller.client.base_url = "https://else.test"
    elif change == "account":
        caller.client.set_api_key("sk_test_other")
    else:
        caller.make(transport=transport, api_key="sk_test_other")
    with pytest.raises(RequestValidationError, match="carry it out twice") as caught:
        caller.call("resolve", error)
    assert caught.value.outcome == "not_sent"
    assert len(transport.requests) == 1


def test_a_call_under_a_key_in_doubt_is_refused_elsewhere_too(caller: Caller) -> None:
    transport = begun(caller, TIMEOUT, OK)
    failing(caller)
    caller.client.set_region("eu-west")
    with pytest.raises(RequestValidationError, match="carry it out twice"):
        pay(caller)
    assert len(caller.client.in_doubt()) == len(transport.requests) == 1


def test_a_replaced_api_key_of_the_same_account_can_be_vouched_for(caller: Caller) -> None:
    begun(caller, TIMEOUT, OK)
    error = failing(caller)
    caller.client.set_api_key("sk_test_rotated")
    assert caller.call("resolve", error, same_account=True).id == "pi_1"


def test_a_key_s_age_is_counted_from_its_first_use_over_any_chain(caller: Caller) -> None:
    begun(caller, TIMEOUT)
    error = failing(caller)
    assert error.first_used_at is not None
    error.first_used_at -= 20 * HOUR  # the first call, 20 hours ago
    caller.make(transport=ScriptedTransport(*[TIMEOUT] * 50), max_retries=0)  # by another process
    with pytest.raises(MolamTimeoutError) as caught:
        caller.call("resolve", error, timeout=0.3)
    still = caught.value
    assert still.first_used_at == error.first_used_at
    assert still.occurred_at > error.occurred_at
    error.first_used_at -= 3.5 * HOUR
    still.first_used_at = error.first_used_at
    caller.make(transport=ScriptedTransport(OK))
    with pytest.raises(RequestValidationError, match="forgets keys after 24 h"):
        caller.call("resolve", still)


class GroupError(Exception):
    """As ``ExceptionGroup``, which Python 3.10 does not have."""

    def __init__(self, *members: BaseException) -> None:
        super().__init__("several")
        self.exceptions = members


def grouped(*members: BaseException) -> BaseException:
    kind = getattr(builtins, "BaseExceptionGroup", None)
    group: BaseException = GroupError(*members) if kind is None else kind("several", members)
    return group


def test_resolve_takes_a_group_with_one_call_in_doubt(caller: Caller) -> None:
    begun(caller, TIMEOUT, error_reply(402), OK)
    lost, declined = failing(caller, "lost"), failing(caller, "declined")
    assert caller.call("resolve", grouped(declined, ValueError("x"), grouped(lost, lost))).id == "pi_1"


def test_a_group_of_several_in_doubt_is_refused_and_names_their_keys(caller: Caller) -> None:
    begun(caller, TIMEOUT, TIMEOUT)
    group = grouped(failing(caller, "a"), failing(caller, "b"))
    with pytest.raises(RequestValidationError, match=r"2 calls \(idempotency keys a, b\)"):
        caller.call("resolve", group)
    with pytest.raises(RequestValidationError, match="carries no request"):
        caller.call("resolve", grouped(ValueError("x")))


async def test_what_gather_loses_is_found_by_key() -> None:
    class Hanging(AsyncScriptedTransport):
        async def send(self, request: Any) -> Any:
            if not sent.is_set():
                sent.set()
                await asyncio.Event().wait()
            return await super().send(request)

    sent = asyncio.Event()
    config = ClientConfig(api_key="sk_test_1", base_url="https://api.test")
    client = MolamAsyncClient(config, transport=Hanging(ScriptedTransport(OK)))
    call = asyncio.ensure_future(client.create_payment_intent(PAYMENT, idempotency_key="k"))
    await sent.wait()
    call.cancel()
    (found,) = await asyncio.gather(call, return_exceptions=True)
    assert isinstance(found, asyncio.CancelledError)
    assert [doubt.outcome for doubt in client.in_doubt()] == ["unknown"]
    assert (await client.resolve("k")).id == "pi_1"
    await client.close()
