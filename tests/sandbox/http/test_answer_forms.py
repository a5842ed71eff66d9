"""The forms of an answer that the contract has too, on demand; the SDK must stand them all."""

from __future__ import annotations

import pytest

from molam_sdk import ClientConfig, MolamClient, MolamError
from molam_sdk.sandbox import Sandbox
from tests.support.sandbox_api import INTENTS, Api

GOOD = {"amount": 1, "currency": "USD"}


def test_an_older_gateway_names_the_request_id_otherwise(api: Api, sandbox: Sandbox) -> None:
    sandbox.faults.old_request_id(times=1)
    old, new = api.post(INTENTS, GOOD), api.post(INTENTS, GOOD)
    assert ("X-Molam-Request-Id" in old.headers, old.headers["X-Request-ID"][:4]) == (False, "req_")
    assert ("X-Molam-Request-Id" in new.headers, "X-Request-ID" in new.headers) == (True, False)


def test_an_answer_can_come_without_a_request_id(api: Api, sandbox: Sandbox) -> None:
    sandbox.faults.no_request_id()
    assert not {"X-Molam-Request-Id", "X-Request-ID"} & set(api.post(INTENTS, GOOD).headers)


def test_fields_and_statuses_of_a_later_version_are_added_and_the_client_reads_on(api: Api, sandbox: Sandbox) -> None:
    sandbox.faults.unknown_fields(operation="create_payment_intent")
    sandbox.faults.unknown_status(method="GET")
    made = api.post(INTENTS, GOOD).json()
    listed = api.get(INTENTS).json()["data"]
    assert (made["seen_from_afar"], [one["status"] for one in listed]) == ({"since": 2099}, ["seen_from_afar"])
    with MolamClient(ClientConfig(api_key=sandbox.api_key, base_url=sandbox.url)) as client:
        intent = client.create_payment_intent(GOOD)
        assert client.retrieve_payment_intent(intent.id).status == "seen_from_afar"


@pytest.mark.parametrize(
    ("parts", "content_type"),
    [
        ({"body": "<h1>502 Bad Gateway</h1>"}, "text/html; charset=utf-8"),
        ({"body": ""}, None),
        ({"body": '{"fault": 1}', "headers": {"Content-Type": "application/json"}}, "application/json"),
    ],
)
def test_a_gateway_in_between_answers_in_its_own_words(
    api: Api, sandbox: Sandbox, parts: dict[str, object], content_type: str | None
) -> None:
    sandbox.faults.add(kind="status", status=502, **parts)
    answer = api.post(INTENTS, GOOD)
    assert (answer.status_code, answer.text, answer.headers.get("Content-Type")) == (502, parts["body"], content_type)
    assert "X-Molam-Request-Id" not in answer.headers
    config = ClientConfig(api_key=sandbox.api_key, base_url=sandbox.url, max_retries=0)
    with MolamClient(config) as client, pytest.raises(MolamError) as failed:
        client.create_payment_intent(GOOD)
    assert failed.value.outcome == "unknown"


def test_an_error_says_its_reason_as_detail_where_that_is_asked_for(api: Api) -> None:
    answer = api.post(INTENTS, {}, headers={"Molam-Error-Format": "detail"})
    assert (answer.status_code, set(answer.json())) == (400, {"error", "detail"})
