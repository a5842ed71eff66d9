"""What all resources share: lists, unknown ids, accounts that do not see each other."""

from __future__ import annotations

from typing import Any

import pytest

from molam_sdk.sandbox import Sandbox
from tests.support.sandbox_api import INTENTS, PAYOUTS, REFUNDS, Api, code


def test_lists_walk_newest_first_without_gap_or_repetition(api: Api) -> None:
    made = [api.intent(amount)["id"] for amount in range(1, 8)]
    seen: list[str] = []
    query: dict[str, Any] = {"limit": 3}
    while True:
        page = api.get(INTENTS, **query).json()
        seen += [intent["id"] for intent in page["data"]]
        if not page["has_more"]:
            break
        query["starting_after"] = seen[-1]
    assert seen == made[::-1]
    whole = api.get(INTENTS, limit=7).json()
    assert (len(whole["data"]), whole["has_more"]) == (7, False)


def test_lists_filter(api: Api) -> None:
    mine = api.intent(customer_id="c1")
    api.intent(customer_id="c2")
    paid = api.paid(customer_id="c1")
    ids = [intent["id"] for intent in api.get(INTENTS, customer_id="c1").json()["data"]]
    assert ids == [paid["id"], mine["id"]]
    done = api.get(INTENTS, customer_id="c1", status="succeeded").json()
    assert [intent["id"] for intent in done["data"]] == [paid["id"]]
    refund = api.made(REFUNDS, {"payment_id": paid["id"]})
    assert [r["id"] for r in api.get(REFUNDS, payment_id=paid["id"]).json()["data"]] == [refund["id"]]
    assert api.get(REFUNDS, payment_id=mine["id"]).json() == {"data": [], "has_more": False}


@pytest.mark.parametrize(
    "query",
    [{"limit": 0}, {"limit": 101}, {"limit": "x"}, {"limit": "٣"}, {"nope": 1}, {"starting_after": "pi_nope"}],
)
def test_a_list_refuses_a_query_it_does_not_understand(api: Api, query: dict[str, Any]) -> None:
    answer = api.get(INTENTS, **query)
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] in query


@pytest.mark.parametrize("path", [INTENTS, REFUNDS, PAYOUTS])
def test_an_unknown_id_is_404(api: Api, path: str) -> None:
    assert code(api.get(f"{path}/xx_nope")) == (404, "resource_missing")


def test_an_id_of_another_kind_is_404(api: Api) -> None:
    assert code(api.get(f"{REFUNDS}/{api.intent()['id']}")) == (404, "resource_missing")


def test_accounts_do_not_see_each_other(api: Api, sandbox: Sandbox) -> None:
    intent = api.intent()
    other = Api(sandbox.url, sandbox.keys.create(account="acct_other"))
    assert code(other.get(f"{INTENTS}/{intent['id']}")) == (404, "resource_missing")
    assert other.get(INTENTS).json()["data"] == []
    theirs = other.intent()
    assert other.get(f"{INTENTS}/{theirs['id']}").json() == theirs
    assert [listed["id"] for listed in api.get(INTENTS).json()["data"]] == [intent["id"]]
    other.close()
