"""What the clients are beside their operations: settings that can be changed, an end that is final."""

from __future__ import annotations

from typing import Any
from unittest.mock import create_autospec

import pytest
from prometheus_client import CollectorRegistry

from molam_sdk import (
    BulkheadFullError,
    ClientClosedError,
    ClientConfig,
    ConfigurationError,
    MolamClient,
    MolamSyncClient,
    RequestValidationError,
    ResponseError,
)
from molam_sdk.config import ApiKey
from molam_sdk.testing import ScriptedTransport, reply
from tests.support.script import INTENT, OK, client_of

MOLAMS = {"X-Molam-Request-Id": "req_1"}


def test_closing_is_final_and_says_so() -> None:
    transport = ScriptedTransport()
    with client_of(transport) as client:
        pass
    assert transport.closed
    with pytest.raises(ClientClosedError, match="closing is final") as caught:
        client.retrieve_refund("re_1")
    assert caught.value.outcome == "not_sent"
    client.close()


def test_closing_closes_the_views_of_a_client_too() -> None:
    client = MolamSyncClient(ClientConfig(api_key="sk_live_1"), transport=ScriptedTransport())
    view = client.client
    client.close()
    with pytest.raises(ClientClosedError):
        view.retrieve_refund("re_1")


def test_a_key_can_be_replaced() -> None:
    transport = ScriptedTransport(OK, OK)
    client = client_of(transport)
    client.create_payment_intent({"amount": 100.5, "currency": "USD"})
    client.set_api_key("sk_live_2")
    client.create_payment_intent({"amount": 100.5, "currency": "USD"})
    assert [r.headers["Authorization"][-1] for r in transport.requests] == ["1", "2"]
    with pytest.raises(ConfigurationError):
        client.set_api_key("nonsense")
    client.set_api_key(None)
    assert "Authorization" not in client.headers


def test_a_region_can_be_chosen() -> None:
    transport = ScriptedTransport(OK)
    client = client_of(transport)
    client.set_region("ap-south")
    client.create_payment_intent({"amount": 100.5, "currency": "USD"})
    assert transport.requests[0].url.startswith("https://api-ap-south.molam.io/v1/")
    with pytest.raises(ConfigurationError, match="us-east"):
        client.set_region("moon")


def test_headers_of_the_merchant_go_along() -> None:
    transport = ScriptedTransport(OK)
    client = client_of(transport)
    client.headers["X-Shop"] = "7"
    client.create_payment_intent({"amount": 100.5, "currency": "USD"})
    assert transport.requests[0].headers["X-Shop"] == "7"


def test_a_base_url_that_was_assigned_is_checked_too() -> None:
    client = client_of(ScriptedTransport())
    with pytest.raises(ConfigurationError, match="must be https"):
        client.base_url = "http://evil.example"
    assert client.base_url == client.config.url == "https://api.molam.io"


@pytest.mark.parametrize("kind", [MolamClient, MolamSyncClient])
def test_no_repr_shows_the_key(kind: Any) -> None:
    client = kind(ClientConfig(api_key="sk_live_topsecret"), transport=ScriptedTransport())
    assert "topsecret" not in repr(client) + repr(client.headers) + repr(client.config)
    assert "https://api.molam.io open" in repr(client)
    client.close()
    assert "closed" in repr(client)


def test_the_configuration_may_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOLAM_API_KEY", "sk_test_env")
    monkeypatch.setenv("MOLAM_BASE_URL", "http://127.0.0.1:9")
    client = MolamSyncClient(registry=CollectorRegistry())
    assert (client.base_url, client.config.api_key) == ("http://127.0.0.1:9", "sk_test_env")
    client.close()


def test_a_callable_key_is_asked_when_first_needed_and_then_kept() -> None:
    asked: list[int] = []

    def key() -> str:
        asked.append(1)
        return "sk_live_1"

    client = client_of(ScriptedTransport(OK, OK), api_key=key)
    assert asked == []
    client.create_payment_intent({"amount": 100.5, "currency": "USD"})
    client.create_payment_intent({"amount": 100.5, "currency": "USD"})
    assert asked == [1]


def test_a_callable_that_gives_no_key_is_a_configuration_error() -> None:
    with pytest.raises(ConfigurationError, match="must begin with"):
        client_of(ScriptedTransport(), api_key=lambda: "nonsense").create_payment_intent(
            {"amount": 100.5, "currency": "USD"}
        )


def test_a_client_without_a_key_sends_nothing_and_says_what_to_set() -> None:
    transport = ScriptedTransport(OK)
    with pytest.warns(UserWarning, match="No api_key"):
        client = client_of(transport, api_key=None)
    with pytest.raises(ConfigurationError, match=r"MOLAM_API_KEY .*set_api_key") as caught:
        client.create_payment_intent({"amount": 100.5, "currency": "USD"}, idempotency_key="order-7")
    assert (caught.value.outcome, transport.requests) == ("not_sent", [])
    client.set_api_key("sk_live_2")
    assert client.create_payment_intent({"amount": 100.5, "currency": "USD"}, idempotency_key="order-7").id == "pi_1"


def test_an_authorization_of_the_merchants_own_is_a_key() -> None:
    transport = ScriptedTransport(OK)
    with pytest.warns(UserWarning, match="No api_key"):
        client = client_of(transport, api_key=None)
    client.headers["authorization"] = "Bearer sk_live_own"
    client.create_payment_intent({"amount": 100.5, "currency": "USD"})
    assert transport.requests[0].headers["Authorization"] == "Bearer sk_live_own"


@pytest.mark.parametrize("api_key", ["sk_live_1", lambda: "sk_live_1"], ids=["fixed", "asked for"])
def test_a_field_of_the_merchants_own_takes_the_place_of_the_same_one_however_it_is_written(api_key: ApiKey) -> None:
    transport = ScriptedTransport(OK, OK)
    client = client_of(transport, api_key=api_key)
    client.headers["authorization"] = "Bearer sk_live_own"
    client.headers.update({"user-agent": "shop/7"})
    client.create_payment_intent({"amount": 100.5, "currency": "USD"})
    sent = transport.requests[0].headers
    assert [value for name, value in sent.items() if name.lower() == "authorization"] == ["Bearer sk_live_own"]
    assert [value for name, value in sent.items() if name.lower() == "user-agent"] == ["shop/7"]


def test_a_field_is_found_however_it_is_written() -> None:
    headers = client_of(ScriptedTransport()).headers
    headers["X-Shop"] = "7"
    headers |= {"x-SHOP": "8", "ACCEPT": "text/plain"}
    assert headers.setdefault("x-shop", "9") == headers["x-shop"] == headers.get("X-SHOP") == "8"
    assert (dict(headers)["X-Shop"], dict(headers)["Accept"], headers.get("x-none")) == ("8", "text/plain", None)
    assert headers.setdefault("x-new", "1") == "1"
    assert ("authorization" in headers, headers.pop("authorization", None)) == (True, "Bearer sk_live_1")
    assert ("Authorization" in headers, headers.pop("authorization", None), 7 in headers) == (False, None, False)
    del headers["x-shop"]
    assert "X-Shop" not in dict(headers)


def test_an_idempotency_key_for_every_call_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="belongs to one call"):
        client_of(ScriptedTransport()).headers["idempotency-key"] = "order-7"


def test_paths_without_a_method_answer_with_a_dict_that_knows_how_it_came() -> None:
    transport = ScriptedTransport(reply(200, b'{"a": 1.10}', {"X-Request-ID": "req_1"}), reply(202, None, MOLAMS))
    client = client_of(transport)
    document = client.get("/v1/balance", {"at": "now"})
    assert (str(document["a"]), document.request_id, document.response.attempts) == ("1.10", "req_1", 1)
    assert client.post("/v1/things", {"a": 1}, idempotency_key="k") == {}
    assert [r.url.partition("molam.io")[2] for r in transport.requests] == ["/v1/balance?at=now", "/v1/things"]
    assert transport.requests[1].headers["Idempotency-Key"] == "k"


@pytest.mark.parametrize(
    ("body", "outcome"),
    [(b"[1]", "unknown"), (b"7", "unknown"), (b"nope", "unknown"), (b'{"a": NaN}', "accepted"), (b'{"a', "accepted"),
     (b"[" * 100_000, "unknown")],
    ids=["list", "number", "text", "NaN", "cut", "nested"],
)  # fmt: skip
def test_a_path_without_a_method_must_answer_with_an_object(body: bytes, outcome: str) -> None:
    with pytest.raises(ResponseError, match="cannot be read") as caught:
        client_of(ScriptedTransport(reply(200, body, MOLAMS))).get("/v1/x")
    assert caught.value.outcome == outcome


def test_a_full_bulkhead_refuses_at_once() -> None:
    client: MolamClient

    def inside(request: Any) -> Any:
        with pytest.raises(BulkheadFullError) as caught:
            client.create_payment_intent({"amount": 100.5, "currency": "USD"}, idempotency_key="k")
        assert (caught.value.outcome, caught.value.attempts, caught.value.idempotency_key) == ("not_sent", 0, "k")
        client.retrieve_refund("re_1")
        return OK

    refund = {"id": "re_1", "payment_id": "p", "amount": 1, "currency": "USD", "status": "s"}
    client = client_of(ScriptedTransport(inside, reply(200, refund)), bulkheads={"payments": 1})
    assert client.create_payment_intent({"amount": 100.5, "currency": "USD"}).id == "pi_1"


def test_a_bulkhead_of_an_unknown_group_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="unknown group: use one of payments, refunds, payouts"):
        client_of(ScriptedTransport(), bulkheads={"cards": 1})


def test_users_can_autospec_the_client() -> None:
    double = create_autospec(MolamSyncClient, instance=True)
    double.create_payment_intent({"amount": 100.5, "currency": "USD"}, idempotency_key="k")
    with pytest.raises(TypeError):
        double.create_payment_intent({"amount": 100.5, "currency": "USD"}, idempotncy_key="k")


def test_a_webhook_is_verified_by_the_client_as_ever() -> None:
    from molam_sdk.webhooks import sign

    header = sign(b"{}", "whsec_1")
    assert client_of(ScriptedTransport()).verify_webhook_signature(header, b"{}", lambda kid: "whsec_1") is True


def test_a_script_that_is_too_short_or_no_script_says_so() -> None:
    with pytest.raises(AssertionError, match="no answer for request 1"):
        client_of(ScriptedTransport()).retrieve_payment_intent("pi_1")
    with pytest.raises(AssertionError, match="must be a reply"):
        client_of(ScriptedTransport(INTENT)).retrieve_payment_intent("pi_1")


def test_a_wrong_argument_is_an_error_of_this_sdk_and_a_value_error() -> None:
    with pytest.raises(ValueError, match="Amount must be positive") as caught:
        client_of(ScriptedTransport()).create_payment_intent({"amount": 0})
    assert isinstance(caught.value, RequestValidationError)
