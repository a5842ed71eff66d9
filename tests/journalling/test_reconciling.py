"""Molam's lists against the journal, on the sandbox: what was planted is found, each as its kind, and nothing else."""

from __future__ import annotations

import json
import time
import tracemalloc
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any
from uuid import uuid4

import pytest

from molam_sdk import ClientConfig, ConfigurationError, DeclinedError, MolamClient, RequestValidationError
from molam_sdk.journal import End, KeptAnswer, Reconciliation, ReconciliationStep
from molam_sdk.sandbox import Sandbox
from molam_sdk.store.columns import hashed_id
from molam_sdk.testing import ScriptedTransport, reply
from tests.journalling.conftest import Shop
from tests.support.journals import OPEN, Bench

HEAD = {"X-Molam-Request-Id": "req_1"}
NOW = {"since": timedelta(days=1), "margin": timedelta(0), "per_second": 1000}
PAYOUT = {"amount": 5, "currency": "USD", "beneficiary": "b", "origin_module": "m", "origin_entity": "e"}


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    with Sandbox(overdraft=True) as sandbox:
        yield sandbox


class Books:
    """A shop with a journal at the sandbox, and somebody who works beside it."""

    def __init__(self, shop: Shop, sandbox: Sandbox) -> None:
        self.bench = shop.bench
        self.caller = shop.caller
        account = sandbox.keys.create(account=f"acct_{uuid4().hex}")
        self.caller.make(sandbox.url, api_key=account, journal=shop.bench.store, guarded=False, journal_tag=True)
        self.beside = MolamClient(ClientConfig(api_key=account, base_url=sandbox.url))

    def left(self, end: End, key: str) -> None:
        """An entry of the shop's that ended so."""
        place = {"operation": "create_payment_intent", "path": "/v1/connect/payment_intents", "account": None}
        self.bench.left(end, key, base_url=self.caller.client.base_url, **place)

    def make(self, key: str, **order: Any) -> Any:
        payload = {"amount": 5, "currency": "USD"} | order
        return self.caller.call("create_payment_intent", payload, idempotency_key=key)

    def trade(self) -> list[str]:
        """A day's payments, of every state."""
        ids = []
        for number, (name, options) in enumerate(
            [(None, {}), ("confirm", {}), ("confirm", {"capture": True}), ("capture", {}), ("cancel", {})]
        ):
            intent = self.make(f"trade-{number}", **options)
            ids.append(intent.id)
            if name == "capture":
                self.caller.call("confirm_payment_intent", intent.id)
                self.caller.call("capture_payment_intent", intent.id, amount=3)
            elif name is not None:
                self.caller.call(f"{name}_payment_intent", intent.id)
        declined = self.make("declined", metadata={"sandbox": "card_declined"})
        with pytest.raises(DeclinedError):
            self.caller.call("confirm_payment_intent", declined.id)
        self.caller.call("create_refund", {"payment_id": ids[2], "amount": 2})
        self.caller.call("create_refund", {"payment_id": ids[3]})
        self.caller.call("create_payout", PAYOUT)
        return [*ids, declined.id]

    def reconciled(self, **options: Any) -> Reconciliation:
        time.sleep(0.005)  # some databases' clocks tell milliseconds, and what is younger than `began` is left out
        report: Reconciliation = self.caller.call("reconcile", **(NOW | options))
        return report


@pytest.fixture
def books(shop: Shop, running: Sandbox) -> Iterator[Books]:
    made = Books(shop, running)
    yield made
    made.beside.close()


def facts(report: Reconciliation) -> list[tuple[str, str, str | None, str | None, str | None]]:
    return [(one.kind, one.object_id, one.key, one.here, one.there) for one in report.differences]


def test_a_days_trade_of_every_state_matches(books: Books) -> None:
    books.trade()
    report = books.reconciled()
    assert facts(report) == []
    assert (report.clean, report.matched, report.in_doubt, report.not_compared) == (True, 9, 0, 0)


def test_what_was_planted_is_found_and_nothing_else(books: Books, bench: Bench) -> None:
    ids = books.trade()
    there = books.beside.create_payment_intent({"amount": 7, "currency": "USD"})
    payout = books.beside.create_payout(PAYOUT)  # type: ignore[arg-type]
    books.beside.cancel_payment_intent(ids[0])
    bench.set("trade-1", "body", b'{"amount":6,"currency":"USD"}')
    books.left(End("done", None, "201", answer=KeptAnswer(201, HEAD, b'{"id":"pi_gone"}')), "gone")
    report = books.reconciled()
    planted = [
        ("only_there", there.id, None, None, "requires_confirmation"),
        ("only_there", payout.id, None, None, payout.status),
        ("status", ids[0], "trade-0", "requires_confirmation", "canceled"),
        ("amount", ids[1], "trade-1", "6 USD", "5 USD"),
        ("only_here", "pi_gone", "gone", "done", None),
    ]
    assert sorted(facts(report), key=str) == sorted(planted, key=str)
    assert report.counts == {"only_there": 2, "only_here": 1, "status": 1, "amount": 1}
    assert not report.clean


def test_a_capture_of_another_amount_is_found(books: Books, bench: Bench) -> None:
    ids = books.trade()
    keys = {entry.operation: entry.key for entry in bench.store.about([ids[3]])}
    bench.set(keys["capture_payment_intent"], "body", b'{"amount":4}')
    (found,) = books.reconciled().differences
    assert (found.kind, found.object_id, found.here, found.there) == ("amount", ids[3], "4 USD", "3 USD")


def test_what_is_in_doubt_is_counted_and_no_difference(books: Books) -> None:
    books.make("order-7")
    books.left(OPEN, "doubt")
    report = books.reconciled()
    assert (facts(report), report.in_doubt) == ([], 1)


def test_what_the_journal_calls_refused_and_molam_has_is_found_by_its_tag(books: Books, bench: Bench) -> None:
    books.make("order-7")
    tag = bench.entry("order-7").tag
    assert tag is not None
    for column, value in {"state": "refused", "answer_status": None, "object_key": hashed_id(tag)}.items():
        bench.set("order-7", column, value)
    (found,) = books.reconciled().differences
    assert (found.kind, found.key, found.here) == ("status", "order-7", "refused")


def test_what_was_settled_by_hand_is_not_compared(books: Books) -> None:
    books.make("order-7")
    books.left(End("done", None, "settled_by_hand", note="n"), "by-hand")
    report = books.reconciled()
    assert (report.clean, report.matched, report.not_compared) == (True, 1, 1)


def test_steps_whose_ends_were_recovered_after_later_ones_are_no_difference(books: Books, bench: Bench) -> None:
    """The merchant had each answer, went on, and the database was away when the end was to be written."""
    ids = books.trade()
    for entry in bench.store.about(ids):
        first = entry.operation.partition("_")[0]
        recovered = {"create": 300, "confirm": 200}.get(first, 0)
        bench.set(entry.key, "ended", time.time() + recovered)
    assert facts(books.reconciled()) == []


def test_clocks_that_differ_at_the_edges_find_nothing_that_is_not(books: Books, bench: Bench) -> None:
    ids = books.trade()
    # By the journal's clock inside the window, by Molam's before it; and the other way round.
    report = books.reconciled(since=datetime.now(timezone.utc) - timedelta(milliseconds=50))
    assert facts(report) == []
    bench.aged("trade-1", 90_000)
    assert facts(books.reconciled()) == []
    # What is younger than the margin is left to the next time.
    books.beside.create_payment_intent({"amount": 7, "currency": "USD"})
    report = books.reconciled(margin=timedelta(minutes=5))
    assert (facts(report), report.matched) == ([], len(ids) + 3)


def test_it_goes_on_where_it_was_broken_off(books: Books) -> None:
    books.trade()
    planted = {books.beside.create_payment_intent({"amount": 7, "currency": "USD"}).id for _ in range(120)}
    steps: list[ReconciliationStep] = []

    def stop(step: ReconciliationStep) -> None:
        steps.append(step)
        if len(steps) == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        books.reconciled(progress=stop)
    report = books.reconciled(progress=steps.append, resume=steps[0].resume)
    told = [one.object_id for step in steps for one in step.found]
    assert sorted(told) == sorted(planted)
    assert (report.counts["only_there"], report.matched) == (120, 9)


@pytest.mark.parametrize("at_once", [False, True])
def test_broken_off_at_every_step_it_tells_everything_once(books: Books, bench: Bench, at_once: bool) -> None:
    books.make("order-7")
    for number in range(3):
        answer = KeptAnswer(201, HEAD, b'{"id":"pi_gone%d"}' % number)
        books.left(End("done", None, "201", answer=answer), f"gone-{number}")
        if at_once:  # as of one millisecond, which is all that some databases' clocks tell
            bench.set(f"gone-{number}", "first_used", bench.entry("order-7").first_used_at)
    steps: list[ReconciliationStep] = []

    def stop(step: ReconciliationStep) -> None:
        steps.append(step)
        raise KeyboardInterrupt

    for _ in range(20):
        try:
            report = books.reconciled(progress=stop, resume=steps[-1].resume if steps else None)
        except KeyboardInterrupt:
            continue
        break
    assert sorted(one.object_id for step in steps for one in step.found) == ["pi_gone0", "pi_gone1", "pi_gone2"]
    assert (report.counts["only_here"], report.matched) == (3, 1)


def test_a_report_is_json(books: Books) -> None:
    books.beside.create_payment_intent({"amount": 7, "currency": "USD"})
    told = json.loads(json.dumps(books.reconciled().to_dict()))
    assert told["counts"]["only_there"] == 1
    assert told["differences"][0]["kind"] == "only_there"
    assert told["differences"][0]["created_at"].startswith("20")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"since": timedelta(0)}, "since must be"),
        ({"since": datetime(2026, 1, 1)}, "with its zone"),  # noqa: DTZ001
        ({"since": 86400}, "since must be"),
        ({"since": datetime(2999, 1, 1, tzinfo=timezone.utc)}, "in the past"),
        ({"margin": -1}, "margin must be"),
        ({"per_second": 0}, "per_second"),
        ({"resume": "x"}, "resume must be"),
        ({"resume": "WzIsIHt9XQ=="}, "resume must be"),
    ],
)
def test_a_window_that_is_none_is_refused(shop: Shop, options: dict[str, Any], says: str) -> None:
    transport = shop.open()
    with pytest.raises(RequestValidationError, match=says):
        shop.caller.call("reconcile", **(NOW | options))
    assert transport.requests == []


def test_a_client_without_a_journal_has_nothing_to_compare(shop: Shop) -> None:
    shop.open(journal=None)
    with pytest.raises(ConfigurationError, match="no journal"):
        shop.caller.call("reconcile", **NOW)


def test_it_holds_a_page_in_memory_and_keeps_the_rate(shop: Shop) -> None:
    moment = (datetime.now(timezone.utc) - timedelta(minutes=1)).isoformat()

    def page(number: int, size: int = 100, last: bool = False) -> Any:
        data = [{"id": f"pi_{number}_{each}", "status": "succeeded", "amount": 5, "currency": "USD",
                 "created_at": moment, "metadata": {"text": "x" * 500}} for each in range(size)]  # fmt: skip
        return reply(200, {"data": data, "has_more": not last}, HEAD)

    class Endless(ScriptedTransport):
        def send(self, request: Any) -> Any:
            self.requests.append(request)
            many = "payment_intents" in request.url
            return page(len(self.requests), 100 if many else 0, last=not many or len(self.requests) >= pages)

    peaks = []
    for pages in (5, 60):
        client = MolamClient(
            ClientConfig(api_key="sk_test_1", base_url="https://api.test"),
            transport=Endless(),
            journal=shop.bench.store,
        )
        tracemalloc.start()
        report = client.reconcile(since=timedelta(days=1), margin=timedelta(0), per_second=10)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert report.counts["only_there"] == pages * 100
        assert len(report.differences) == min(1000, pages * 100)
    assert peaks[1] < peaks[0] + 3_000_000
