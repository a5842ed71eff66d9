"""One key, one execution: replays, reuse, keys in progress, and what is not stored."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
import requests

from molam_sdk.sandbox import Sandbox
from molam_sdk.sandbox.http.connections import Connections
from tests.support.sandbox_api import INTENTS, REFUNDS, Api, code

BODY = {"amount": 100.5, "currency": "USD"}


def test_the_same_key_and_body_give_the_first_answer_again(api: Api, sandbox: Sandbox) -> None:
    first, again = (api.post(INTENTS, BODY, key="k1") for _ in range(2))
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert first.headers["X-Molam-Request-Id"] != again.headers["X-Molam-Request-Id"]
    assert sandbox.ledger.executions(idempotency_key="k1") == 1


def test_the_same_json_written_otherwise_is_the_same_body(api: Api) -> None:
    api.post(INTENTS, BODY, key="k1")
    headers = {"Idempotency-Key": "k1", "Content-Type": "application/json"}
    spaced = api.session.post(
        api.url + INTENTS, data='{"currency":"USD",  "amount":100.50}', headers=headers, timeout=5
    )
    assert spaced.headers["Idempotent-Replayed"] == "true"


@pytest.mark.parametrize("other", [{**BODY, "amount": 100.51}, {**BODY, "amount": "100.5"}, {}, {**BODY, "nope": 1}])
def test_another_body_under_a_used_key_is_422(api: Api, other: dict[str, Any]) -> None:
    api.post(INTENTS, BODY, key="k1")
    assert code(api.post(INTENTS, other, key="k1")) == (422, "idempotency_key_reused")


def test_another_path_under_a_used_key_is_422(api: Api) -> None:
    intents = [api.intent(), api.intent()]
    api.post(f"{INTENTS}/{intents[0]['id']}/confirm", key="k1")
    assert code(api.post(f"{INTENTS}/{intents[1]['id']}/confirm", key="k1")) == (422, "idempotency_key_reused")


def test_keys_belong_to_an_account(api: Api, sandbox: Sandbox) -> None:
    api.post(INTENTS, BODY, key="k1")
    other = Api(sandbox.url, sandbox.keys.create(account="acct_other"))
    answer = other.post(INTENTS, {**BODY, "amount": 7}, key="k1")
    other.close()
    assert answer.status_code == 201


def test_a_key_lives_for_24_hours(api: Api, sandbox: Sandbox) -> None:
    first = api.post(INTENTS, BODY, key="k1").json()
    sandbox.clock.advance(hours=23, minutes=59)
    assert api.post(INTENTS, BODY, key="k1").json() == first
    sandbox.clock.advance(minutes=2)
    assert api.post(INTENTS, BODY, key="k1").json()["id"] != first["id"]
    assert sandbox.ledger.executions(idempotency_key="k1") == 2


def in_background(call: Any) -> tuple[threading.Thread, list[requests.Response]]:
    answers: list[requests.Response] = []
    thread = threading.Thread(target=lambda: answers.append(call()))
    thread.start()
    return thread, answers


def test_a_key_whose_first_request_runs_is_409_and_then_replays(
    api: Api, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs, may_end = threading.Event(), threading.Event()

    async def pause(_self: object, _seconds: float) -> None:
        """The latency, which begins when the key is taken: as long as this test needs."""
        runs.set()
        await asyncio.to_thread(may_end.wait, 30)

    monkeypatch.setattr(Connections, "pause", pause)
    sandbox.faults.latency(1, times=1)
    other = Api(sandbox.url, sandbox.api_key)
    thread, answers = in_background(lambda: other.post(INTENTS, BODY, key="k1"))
    assert runs.wait(30)
    assert code(api.post(INTENTS, BODY, key="k1")) == (409, "idempotency_in_progress")
    assert code(api.post(INTENTS, {**BODY, "amount": 1}, key="k1")) == (422, "idempotency_key_reused")
    may_end.set()
    thread.join()
    other.close()
    assert api.post(INTENTS, BODY, key="k1").content == answers[0].content
    assert sandbox.ledger.executions(idempotency_key="k1") == 1


def test_a_5xx_is_not_stored(api: Api, sandbox: Sandbox) -> None:
    sandbox.faults.status(503, times=1)
    assert api.post(INTENTS, BODY, key="k1").status_code == 503
    answer = api.post(INTENTS, BODY, key="k1")
    assert (answer.status_code, "Idempotent-Replayed" in answer.headers) == (201, False)


def test_an_invalid_request_leaves_the_key_free(api: Api) -> None:
    assert api.post(INTENTS, {"amount": 1}, key="k1").status_code == 400
    assert api.post(INTENTS, BODY, key="k1").status_code == 201


def test_a_decline_is_replayed(api: Api, sandbox: Sandbox) -> None:
    intent = api.intent(metadata={"sandbox": "card_declined"})
    path = f"{INTENTS}/{intent['id']}/confirm"
    first, again = (api.post(path, key="k1") for _ in range(2))
    assert code(first) == code(again) == (402, "card_declined")
    assert again.headers["Idempotent-Replayed"] == "true"
    assert sandbox.ledger.executions(idempotency_key="k1") == 1


def test_a_state_conflict_is_replayed_and_executes_nothing(api: Api, sandbox: Sandbox) -> None:
    intent = api.intent()
    answers = [api.post(REFUNDS, {"payment_id": intent["id"]}, key="k1") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [409, 409]
    assert sandbox.ledger.executions(idempotency_key="k1") == 0


@pytest.mark.parametrize(("key", "reason"), [(None, "missing"), ("", "invalid"), ("k" * 256, "invalid")])
def test_a_post_without_a_proper_key_is_400(api: Api, key: str | None, reason: str) -> None:
    headers = {} if key is None else {"Idempotency-Key": key}
    answer = api.session.post(api.url + INTENTS, json=BODY, headers=headers, timeout=30)
    assert code(answer) == (400, f"idempotency_key_{reason}")
    assert answer.json()["error"]["param"] == "Idempotency-Key"


def test_a_key_that_is_not_ascii_is_400(api: Api) -> None:
    answer = api.session.post(api.url + INTENTS, json=BODY, headers={"Idempotency-Key": b"k\xe9"}, timeout=30)
    assert code(answer) == (400, "idempotency_key_invalid")
