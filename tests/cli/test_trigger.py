"""`molam trigger --to`: an event signed here, posted to a shop."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import Result

from molam_sdk.store import MemoryStore
from tests.cli.test_control import molam
from tests.support.webhooks.posted_shop import PostedShop

SECRET = "whsec_from_somewhere"


@pytest.fixture
def shop() -> Iterator[PostedShop]:
    with PostedShop({"v1": SECRET, "2": "whsec_second"}, MemoryStore()) as shop:
        yield shop


def test_the_secret_of_the_environment_signs(shop: PostedShop) -> None:
    ran = molam("trigger", "payment.succeeded", "--to", shop.url, MOLAM_WEBHOOK_SECRET_V1=SECRET)
    assert (ran.exit_code, ran.stderr) == (0, "")
    assert ran.stdout.startswith(f"payment.succeeded {shop.events[0].id}  200 ")
    assert '{"result": "handled"}' in ran.stdout
    assert shop.events[0].data.status == "succeeded"


def test_a_file_a_kid_and_data_may_be_given(shop: PostedShop, tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("whsec_second\n")
    data = json.dumps({"id": "re_7", "amount": 7, "now": 1, "secret": "a field"})
    ran = molam("trigger", "refund.failed", "--to", shop.url, "--secret-file", str(file), "--kid", "2", "--data", data)
    assert ran.exit_code == 0, ran.output
    assert shop.events[0]["data"]["secret"] == "a field"
    assert (shop.events[0].data.id, shop.events[0].data.amount) == ("re_7", 7)


def test_a_secret_on_the_command_line_signs_too(shop: PostedShop) -> None:
    assert molam("trigger", "payout.paid", "--to", shop.url, "--secret", SECRET).exit_code == 0


def refused(ran: Result, code: int, *words: str) -> None:
    assert ran.exit_code == code
    assert all(word in ran.stderr for word in words), ran.stderr
    assert SECRET not in ran.output


def test_a_shop_that_does_not_take_it_is_an_exit_code(shop: PostedShop) -> None:
    ran = molam("trigger", "payment.succeeded", "--to", shop.url, "--secret", "whsec_wrong")
    refused(ran, 1, "the shop did not take it")
    assert "Signature mismatch" in ran.stdout


def test_a_shop_that_is_not_there_is_one_too() -> None:
    ran = molam("trigger", "payment.succeeded", "--to", "http://127.0.0.1:9/", "--secret", SECRET)
    refused(ran, 1, "the shop did not take it")
    assert "no answer" in ran.stdout


def test_what_is_missing_or_meant_otherwise_is_said(tmp_path: Path) -> None:
    to = ("trigger", "payment.succeeded", "--to", "http://127.0.0.1:9/")
    file = tmp_path / "secret"
    file.write_text("\n")
    refused(molam(*to), 2, "no secret to sign with: set MOLAM_WEBHOOK_SECRET_V1")
    refused(molam(*to, "--secret-file", str(file)), 2, "no secret to sign with")
    refused(molam(*to, "--secret", SECRET, "--secret-file", str(file)), 2, "not both")
    refused(molam(*to, "--secret", SECRET, "--data", "[]"), 2, "it must be a JSON object")
    refused(molam(*to, "--secret", SECRET, "--data", "{"), 2, "not JSON")
    refused(molam("trigger", "payment.succeeded", "--secret", SECRET), 2, "--secret and --secret-file go with --to")


def test_a_misspelt_type_is_refused_and_a_new_one_wants_data(shop: PostedShop) -> None:
    to = ("--to", shop.url, "--secret", SECRET)
    refused(molam("trigger", "payment.succeded", *to), 2, "did you mean 'payment.succeeded'?", "--data")
    assert shop.events == []
    ran = molam("trigger", "payment.brand_new", *to, "--data", "{}")
    assert ran.stdout.startswith("payment.brand_new evt_"), ran.output
