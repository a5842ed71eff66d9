"""A block whose steps are undone where it fails, on the sandbox: in reverse order; what cannot be undone is told."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from molam_sdk import ClientConfig, ConfigurationError, JournalError, MolamClient, MolamError, RequestValidationError
from molam_sdk.journal import inverse
from molam_sdk.sandbox import Sandbox
from tests.journalling.conftest import Shop
from tests.support.journals import Bench

ORDER: Any = {"amount": 5, "currency": "USD"}
PAYOUT = {"amount": 1, "currency": "USD", "beneficiary": "b", "origin_module": "m", "origin_entity": "e"}
ENDPOINT = {"tenant_type": "merchant", "tenant_id": "m", "url": "https://shop.test/hook", "events": ["*"]}
CREATE = ("create_payment_intent", ORDER)
_ENTER = {"sync": "__enter__", "async": "__aenter__"}

given_back: list[str] = []


@inverse
def give_back_stock(sku: str, count: int = 1) -> None:
    given_back.append(f"{sku} x {count}")


@inverse
async def give_back_awaited(sku: str) -> None:
    given_back.append(sku)


@inverse
def not_today() -> None:
    raise OSError("the shop's database is away")


class FailedError(Exception):
    """What a block fails with."""


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    with Sandbox(overdraft=True) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running: Sandbox) -> Iterator[Sandbox]:
    given_back.clear()
    yield running
    running.faults.clear()


class Keyed(str):
    """The idempotency key of a step: its last argument."""


class Blocks:
    """Runs blocks of steps: (method, arguments…), or a function of what the steps before answered that gives one."""

    def __init__(self, shop: Shop, sandbox: Sandbox) -> None:
        self.caller, self.bench = shop.caller, shop.bench
        self.api_key = sandbox.keys.create(account=f"acct_{time.monotonic_ns()}")
        self.client = self.caller.make(
            sandbox.url, api_key=self.api_key, journal=shop.bench.store, guarded=False,
            max_retries=0,
        )  # fmt: skip
        self.key = ""

    def run(self, *steps: Any, fails: BaseException | None = None, **options: Any) -> list[Any]:
        answers: list[Any] = []
        if self.caller.kind == "async":
            self.caller.wait(self._awaited(steps, fails, answers, options))
            return answers
        with self.client.undo(**options) as undo:
            self.key = undo.key
            for step in steps:
                call, arguments, named = self._call(undo, step(answers) if callable(step) else step)
                answers.append(call(*arguments, **named))
            if fails is not None:
                raise fails
        return answers

    async def _awaited(self, steps: Any, fails: BaseException | None, answers: list[Any], options: Any) -> None:
        async with self.client.undo(**options) as undo:
            self.key = undo.key
            for step in steps:
                call, arguments, named = self._call(undo, step(answers) if callable(step) else step)
                answers.append(await call(*arguments, **named))
            if fails is not None:
                raise fails

    def _call(self, undo: Any, step: Any) -> tuple[Any, list[Any], dict[str, Any]]:
        name, *arguments = step
        named = {"idempotency_key": arguments.pop()} if arguments and isinstance(arguments[-1], Keyed) else {}
        calls = {"add": undo.add, "undo_again": getattr(self.client.undo(), _ENTER[self.caller.kind])}
        return calls.get(name) or getattr(self.client, name), arguments, named

    def another(self) -> MolamClient:
        """Another process's client, with the same journal."""
        config = ClientConfig(api_key=self.api_key, base_url=self.client.base_url)
        return MolamClient(config, journal=self.bench.store)

    def failed(self, *steps: Any, **options: Any) -> str:
        """The notes of the error that a failing block raises."""
        with pytest.raises(FailedError) as caught:
            self.run(*steps, fails=FailedError(), **options)
        return "\n".join(vars(caught.value)["__notes__"])

    def statuses(self) -> list[str]:
        return [one.status for one in self.caller.collect("list_payment_intents")]

    def refunds(self) -> list[Any]:
        return self.caller.collect("list_refunds")

    def recovered(self) -> list[Any]:
        self.bench.expired(self.key)
        return self.caller.collect("recover", per_second=1000)


@pytest.fixture
def blocks(shop: Shop, sandbox: Sandbox) -> Blocks:
    return Blocks(shop, sandbox)


def first(name: str) -> Callable[[list[Any]], tuple[str, str]]:
    """A step about the payment that the first one made."""
    return lambda answers: (name, answers[0].id)


CONFIRM, CAPTURE = first("confirm_payment_intent"), first("capture_payment_intent")


def test_a_block_that_ends_well_keeps_its_steps(blocks: Blocks) -> None:
    blocks.run(CREATE, CONFIRM, ("add", give_back_stock, "sku-1"))
    assert (blocks.statuses(), given_back) == (["requires_capture"], [])
    entry = blocks.bench.entry(blocks.key)
    assert (entry.state, entry.code, entry.operation) == ("done", "kept", "undo")
    blocks.bench.expired(blocks.key)
    assert blocks.recovered() == []


@pytest.mark.parametrize(
    ("steps", "status", "refunded"),
    [
        ([CREATE], "canceled", []),
        ([CREATE, CONFIRM], "canceled", []),
        ([CREATE, CONFIRM, CAPTURE], "succeeded", [5]),
        ([("create_payment_intent", ORDER | {"capture": True}), CONFIRM], "succeeded", [5]),
        ([CREATE, first("cancel_payment_intent")], "canceled", []),
    ],
)
def test_a_payment_is_given_back_whichever_it_has_come_to(
    blocks: Blocks, steps: Any, status: str, refunded: list[int]
) -> None:
    notes = blocks.failed(*steps)
    assert (blocks.statuses(), [refund.amount for refund in blocks.refunds()]) == ([status], refunded)
    if "cancel_payment_intent" not in notes:
        assert notes == f"{blocks.key}: every step was undone"
        assert (blocks.bench.entry(blocks.key).state, blocks.bench.entry(blocks.key).code) == ("free", "undone")


def test_steps_are_undone_in_reverse_order(blocks: Blocks) -> None:
    steps = [
        ("add", give_back_stock, "a"),
        ("create_webhook_endpoint", ENDPOINT),
        (
            "add",
            give_back_stock,
            "b",
        ),
    ]
    blocks.failed(*steps)
    assert given_back == ["b x 1", "a x 1"]
    assert blocks.caller.collect("list_webhook_endpoints") == []


def test_what_has_no_inverse_is_told_in_the_error_and_the_log(blocks: Blocks, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR, "molam_sdk"):
        notes = blocks.failed(CREATE, ("create_payout", PAYOUT))
    assert "cannot be undone: create_payout po_" in notes
    assert "an undo left what cannot be undone" in caplog.text
    assert blocks.statuses() == ["canceled"]
    entry = blocks.bench.entry(blocks.key)
    assert (entry.state, entry.code) == ("review", "not_undone")
    assert "create_payout po_" in (entry.note or "")
    assert blocks.recovered() == []


def test_a_step_in_doubt_is_resolved_and_then_undone(blocks: Blocks, sandbox: Sandbox) -> None:
    sandbox.faults.drop_after_commit(operation="create_payment_intent", times=1)
    with pytest.raises(MolamError) as caught:
        blocks.run(CREATE)
    assert caught.value.outcome == "unknown"
    assert "every step was undone" in vars(caught.value)["__notes__"][0]
    assert blocks.statuses() == ["canceled"]


def test_what_is_not_undone_now_is_undone_by_recover(blocks: Blocks, sandbox: Sandbox) -> None:
    sandbox.faults.status(503, operation="cancel_payment_intent", times=1)
    notes = blocks.failed(("add", give_back_stock, "a"), CREATE)
    assert "not undone yet: cancel of pi_" in notes
    assert "client.recover() goes on" in notes
    assert given_back == ["a x 1"]
    assert {entry.operation: entry.state for entry in blocks.recovered()} == {
        "undo": "free",
        "cancel_payment_intent": "done",
    }
    assert (blocks.statuses(), given_back) == (["canceled"], ["a x 1"])


def test_a_function_that_fails_is_tried_again_by_recover(blocks: Blocks, monkeypatch: pytest.MonkeyPatch) -> None:
    notes = blocks.failed(CREATE, ("add", not_today))
    assert "not_today raised OSError" in notes
    assert blocks.statuses() == ["canceled"]
    assert [entry.state for entry in blocks.recovered()] == ["open"]
    from molam_sdk.journal import undoing

    monkeypatch.setitem(undoing._functions, f"{__name__}.not_today", lambda: given_back.append("today"))
    assert [entry.state for entry in blocks.recovered()] == ["free"]
    assert given_back == ["today"]


def test_a_function_that_this_process_does_not_have_waits_for_one_that_has(
    blocks: Blocks, monkeypatch: pytest.MonkeyPatch
) -> None:
    from molam_sdk.journal import undoing

    with monkeypatch.context() as gone:
        blocks_failed = blocks.run
        gone.setattr(undoing.UndoStep, "function", None)
        with pytest.raises(FailedError) as caught:
            blocks_failed(("add", give_back_stock, "a"), fails=FailedError())
    assert "is not known to this process" in vars(caught.value)["__notes__"][0]
    assert given_back == []
    blocks.recovered()
    assert given_back == ["a x 1"]


def test_a_coroutine_function_is_awaited_where_that_can_be(blocks: Blocks) -> None:
    notes = blocks.failed(("add", give_back_awaited, "a"))
    awaited = blocks.caller.kind == "async"
    assert given_back == (["a"] if awaited else [])
    assert ("only the asyncio clients can call" in notes) is not awaited


def test_what_was_undone_is_not_given_again_as_if_it_stood(blocks: Blocks) -> None:
    keyed = (*CREATE, Keyed("order-7"))
    refused: list[Any] = []

    def another_asks(_answers: list[Any]) -> tuple[Any, ...]:
        with blocks.another() as other, pytest.raises(RequestValidationError, match="which has not ended") as caught:
            other.create_payment_intent(ORDER, idempotency_key="order-7")
        refused.append(caught.value.outcome)
        return keyed

    blocks.failed(keyed, another_asks)
    with pytest.raises(RequestValidationError, match=f"a step of {blocks.key}, which undid it: use a new") as caught:
        blocks.caller.call("create_payment_intent", ORDER, idempotency_key="order-7")
    assert (refused, caught.value.outcome) == (["unknown"], "not_sent")


def test_what_was_done_before_the_block_is_no_step_of_it(blocks: Blocks) -> None:
    blocks.caller.call("create_payment_intent", ORDER, idempotency_key="order-7")
    blocks.failed(CREATE, (*CREATE, Keyed("order-7")))
    assert blocks.statuses() == ["canceled", "requires_confirmation"]


def test_reads_and_calls_that_nothing_came_of_are_no_hindrance(blocks: Blocks, sandbox: Sandbox) -> None:
    sandbox.faults.status(402, operation="create_payment_intent", times=1)
    with pytest.raises(MolamError) as caught:
        blocks.run(CREATE)
    assert "every step was undone" in vars(caught.value)["__notes__"][0]
    assert blocks.statuses() == []


def test_a_block_that_outlives_its_seconds_is_undone_by_another_and_ends_with_an_error(
    blocks: Blocks, bench: Bench
) -> None:
    other = blocks.another()

    def stolen(_answers: list[Any]) -> tuple[Any, ...]:
        bench.expired(blocks.key)
        assert [entry.operation for entry in other.recover()] == ["undo"]
        return CREATE

    with pytest.raises(RequestValidationError, match="another worker undoes it: nothing was sent"):
        blocks.run(CREATE, stolen)
    assert blocks.statuses() == ["canceled"]
    other.close()


def test_a_block_in_a_block_is_refused(blocks: Blocks) -> None:
    with pytest.raises(RequestValidationError, match="open here already"):
        blocks.run(CREATE, lambda _: ("undo_again",))
    assert blocks.statuses() == ["canceled"]
    blocks.run(CREATE)


def test_a_client_without_a_journal_cannot_undo(shop: Shop) -> None:
    shop.open(journal=None)
    with pytest.raises(ConfigurationError, match="no journal"):
        shop.caller.client.undo()


def test_a_journal_that_is_away_begins_nothing(blocks: Blocks, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: Any) -> bool:
        raise OSError("away")

    monkeypatch.setattr(blocks.bench.store, "keep", away)
    with pytest.raises(JournalError) as caught:
        blocks.run(CREATE)
    assert caught.value.outcome == "not_sent"
    assert blocks.statuses() == []


@pytest.mark.parametrize(
    ("function", "arguments", "says"),
    [(print, (), "decorated"), (lambda: None, (), "decorated"), (give_back_stock, (object(),), "must be JSON")],
)
def test_what_another_process_could_not_call_is_refused(
    blocks: Blocks, function: Any, arguments: tuple[Any, ...], says: str
) -> None:
    with pytest.raises(RequestValidationError, match=says):
        blocks.run(("add", function, *arguments))


def test_a_function_without_a_name_of_its_own_is_no_inverse() -> None:
    with pytest.raises(RequestValidationError, match="at the top of a module"):
        inverse(lambda: None)
