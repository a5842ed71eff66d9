"""Where a client's API key comes from, when it is renewed, and which one is never sent."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from molam_sdk import AuthenticationError, ClientConfig, ConfigurationError, RequestValidationError
from molam_sdk._api_key import ApiKeySource
from molam_sdk._core.account import account_of
from molam_sdk.secrets import CallableSource, EnvironmentSource, FileSource, Keeping, first
from molam_sdk.testing import ScriptedTransport, reply
from molam_sdk.webhooks import RotatingSecrets
from tests.support.caller import Caller
from tests.support.keys import token
from tests.support.script import TIMEOUT

INTENT = {"id": "pi_1", "status": "requires_confirmation", "amount": 5, "currency": "USD"}
OK = reply(200, INTENT)
ORDER = {"amount": 5, "currency": "USD"}


def key_of(source: ApiKeySource) -> str:
    """The key that is had by waiting for it."""
    asking = source.ask()
    assert asking is not None
    assert asking.wait(30)
    return asking.result().removeprefix("Bearer ")


def sent(transport: ScriptedTransport) -> list[str]:
    return [request.headers["Authorization"].removeprefix("Bearer ") for request in transport.requests]


@pytest.mark.parametrize(
    "source",
    [
        lambda: "sk_live_1",
        lambda: b"sk_live_1",
        lambda: ["sk_live_1", "sk_live_0"],
        CallableSource(lambda: "sk_live_1"),
        EnvironmentSource("KEY", {"KEY": "sk_live_1"}),
        first(EnvironmentSource("NONE", {}), "sk_live_1"),
        RotatingSecrets({"": "sk_live_1"}),
    ],
)
def test_any_source_gives_a_key(caller: Caller, source: Any) -> None:
    transport = ScriptedTransport(OK)
    client = caller.make(transport=transport, api_key=source)
    caller.call("create_payment_intent", ORDER)
    assert sent(transport) == ["sk_live_1"]
    assert client.config.api_key is source
    assert "sk_live_1" not in repr((client.config, client.headers, client))


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (None, "callable:.* has no API key"),
        ("", "has no API key"),
        ((), "has no API key"),
        ("None", "has no API key"),
        ({"api_key": "sk_live_1"}, "answered with a dict"),
        (5, "answered with a int"),
        ("whsec_1", "must begin with 'sk_' or 'jwt_'"),
        ("sk_live_1\n", "printable ASCII"),
        ("sk_live_é", "printable ASCII"),
    ],
)
def test_what_is_no_key_is_an_error_before_anything_is_sent(caller: Caller, given: Any, why: str) -> None:
    transport = ScriptedTransport(OK)
    caller.make(transport=transport, api_key=lambda: given)
    with pytest.raises(ConfigurationError, match=why) as caught:
        caller.call("create_payment_intent", ORDER)
    assert (caught.value.outcome, transport.requests) == ("not_sent", [])
    assert "live" not in str(caught.value)


def test_a_live_key_of_a_source_goes_nowhere_unverified(caller: Caller) -> None:
    transport = ScriptedTransport(OK)
    caller.make(transport=transport, api_key=lambda: "sk_live_1", verify_ssl=False)
    with pytest.raises(ConfigurationError, match="verify_ssl=False with a live key"):
        caller.call("create_payment_intent", ORDER)
    assert transport.requests == []


def test_a_key_file_counts_at_the_next_call(caller: Caller, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("sk_live_1\n")
    transport = ScriptedTransport(OK, OK)
    caller.make(transport=transport, api_key=FileSource(tmp_path / "key"))
    caller.call("create_payment_intent", ORDER)
    (tmp_path / "key").write_text("sk_live_2\n")
    caller.call("create_payment_intent", ORDER)
    assert sent(transport) == ["sk_live_1", "sk_live_2"]


def test_set_api_key_takes_a_source(caller: Caller, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("sk_live_2")
    transport = ScriptedTransport(OK, OK)
    client = caller.make(transport=transport)
    client.set_api_key(FileSource(tmp_path / "key"))
    caller.call("create_payment_intent", ORDER)
    client.set_api_key("sk_live_3")
    caller.call("create_payment_intent", ORDER)
    assert sent(transport) == ["sk_live_2", "sk_live_3"]
    assert client.config.api_key == "sk_live_3"


def test_a_token_is_renewed_ahead_by_its_own_words(caller: Caller) -> None:
    tokens = [token(1000, issued=time.time() - 850), token(1000)]  # the first is over four fifths through
    given: list[str] = []

    def mint() -> str:
        given.append(tokens[len(given)])
        return given[-1]

    source = ApiKeySource(mint)
    assert key_of(source) == tokens[0]
    assert source._kept is not None
    assert source._kept._known is not None
    due_in = source._kept._known.renew_at - time.monotonic()
    assert 60 < due_in <= 76  # half of the 150 s that are left
    source._kept._known.renew_at = 0
    assert source.authorization() == f"Bearer {tokens[0]}"  # nobody waits
    assert source.ask().wait(30)  # type: ignore[union-attr]
    assert (source.authorization(), len(given)) == (f"Bearer {tokens[1]}", 2)


def test_a_token_that_ended_is_waited_for(caller: Caller) -> None:
    tokens = [token(1000), token(1000)]
    source = ApiKeySource(lambda: tokens.pop(0))
    used = key_of(source)
    assert source._kept is not None
    assert source._kept._known is not None
    source._kept._known.dead_at = source._kept._known.renew_at = 0
    assert source.authorization() is None
    assert key_of(source) != used


def test_an_expired_token_is_refused_before_anything_is_sent(caller: Caller) -> None:
    transport = ScriptedTransport(OK)
    client = caller.make(transport=transport, api_key=token(60, issued=time.time() - 3600))
    with pytest.raises(ConfigurationError, match=r"the service token \(jwt_…\) expired 35\d\d s ago") as caught:
        caller.call("create_payment_intent", ORDER, idempotency_key="k")
    assert (caught.value.outcome, caught.value.idempotency_key, transport.requests) == ("not_sent", "k", [])
    client.set_api_key("sk_live_1")
    assert caller.call("create_payment_intent", ORDER).id == "pi_1"


def test_one_that_expires_while_the_client_lives_is_refused_from_then_on(
    caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    transport, now = ScriptedTransport(OK), time.time()
    client = caller.make(transport=transport, api_key=token(60))
    assert caller.call("create_payment_intent", ORDER).id == "pi_1"
    assert "Authorization" not in client.headers  # it does not stay
    monkeypatch.setattr("time.time", lambda: now + 400)
    with pytest.raises(ConfigurationError, match="expired"):
        caller.call("create_payment_intent", ORDER)


def test_one_that_is_just_over_is_molams_to_judge(caller: Caller) -> None:
    key = token(60, issued=time.time() - 300)  # over for 240 s, by a clock that may be ahead
    transport = ScriptedTransport(OK, reply(401))
    caller.make(transport=transport, api_key=key)
    assert caller.call("create_payment_intent", ORDER).id == "pi_1"
    with pytest.raises(AuthenticationError):
        caller.call("create_payment_intent", ORDER)


def test_a_source_of_expired_tokens_has_no_key(caller: Caller) -> None:
    transport = ScriptedTransport(OK)
    caller.make(transport=transport, api_key=lambda: token(60, issued=time.time() - 3600))
    with pytest.raises(ConfigurationError, match=r"no API key: the service token .* expired"):
        caller.call("create_payment_intent", ORDER)
    assert transport.requests == []


@pytest.mark.parametrize("key", ["jwt_unreadable", "jwt_a.b.c", token(60, exp=None), token(60, exp="soon")])
def test_of_a_token_that_cannot_be_read_no_end_is_known(caller: Caller, key: str) -> None:
    transport = ScriptedTransport(OK)
    client = caller.make(transport=transport, api_key=key)
    caller.call("create_payment_intent", ORDER)
    assert sent(transport) == [key]
    assert client.headers["Authorization"] == f"Bearer {key}"


def test_the_seconds_left_are_known_of_keys_that_expire() -> None:
    assert ApiKeySource(token(500)).seconds_left() == pytest.approx(500, abs=5)
    source = ApiKeySource(lambda: token(500))
    assert source.seconds_left() is None
    key_of(source)
    assert source.seconds_left() == pytest.approx(500, abs=5)
    assert (ApiKeySource("sk_live_1").seconds_left(), ApiKeySource(None).seconds_left()) == (None, None)


@pytest.mark.parametrize("failure", ["no key", "another account"])
def test_a_doubt_keeps_its_account_while_no_key_can_be_had(caller: Caller, failure: str) -> None:
    answers: list[Any] = ["sk_live_a", OSError("down") if failure == "no key" else "sk_live_b", "sk_live_b"]

    def ask() -> str:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return str(answer)

    transport = ScriptedTransport(TIMEOUT, OK)
    client = caller.make(transport=transport, api_key=ask, max_retries=0)
    with pytest.raises(Exception, match=r"TIMEOUT|timeout|timed|answer"):
        caller.call("create_payment_intent", ORDER, idempotency_key="k")
    (doubt,) = client.in_doubt()
    client.set_api_key(ask)
    with pytest.raises((ConfigurationError, RequestValidationError)) as caught:
        caller.call("create_payment_intent", ORDER, idempotency_key="k")
    assert (caught.value.outcome, caught.value.account) == ("unknown", doubt.account)
    assert [one.account for one in client.in_doubt()] == [doubt.account]
    client.set_api_key("sk_live_b")
    with pytest.raises(RequestValidationError, match="carry it out twice"):
        caller.call("create_payment_intent", ORDER, idempotency_key="k")
    assert doubt.account == account_of({"Authorization": "Bearer sk_live_a"})


def test_how_long_a_callable_counts_can_be_said(caller: Caller) -> None:
    keys = ["sk_live_1", "sk_live_2"]
    source = CallableSource(lambda: keys.pop(0), keeping=Keeping(ttl_seconds=0))
    transport = ScriptedTransport(OK, OK)
    client = caller.make(transport=transport, api_key=source)
    caller.call("create_payment_intent", ORDER)
    assert client._state.key.authorization() == "Bearer sk_live_1"  # which has it renewed
    assert client._state.key._kept._flight.wait(30)
    caller.call("create_payment_intent", ORDER)
    assert sent(transport) == ["sk_live_1", "sk_live_2"]


@pytest.mark.parametrize("missing", ["file", "content"])
def test_a_key_file_that_holds_none_is_named_at_once(tmp_path: Path, missing: str) -> None:
    path = tmp_path / "key"
    if missing == "content":
        path.write_text("\n")
    with pytest.raises(ConfigurationError, match=f"MOLAM_API_KEY_FILE: {path}: "):
        ClientConfig.from_env({"MOLAM_API_KEY_FILE": str(path)})


def test_a_key_file_of_the_environment_is_a_source(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text("sk_live_1")
    config = ClientConfig.from_env({"MOLAM_API_KEY_FILE": f" {path} "})
    assert repr(config.api_key) == f"<FileSource file:{path}>"
    assert key_of(ApiKeySource(config.api_key)) == "sk_live_1"


def test_an_argument_wins_over_the_key_file(tmp_path: Path) -> None:
    config = ClientConfig.from_env({"MOLAM_API_KEY_FILE": str(tmp_path / "none")}, api_key="sk_live_1")
    assert config.api_key == "sk_live_1"


def test_a_key_and_a_key_file_are_one_too_many(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="MOLAM_API_KEY and MOLAM_API_KEY_FILE: set one of them"):
        ClientConfig.from_env({"MOLAM_API_KEY": "sk_live_1", "MOLAM_API_KEY_FILE": str(tmp_path / "key")})
