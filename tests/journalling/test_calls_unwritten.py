"""Calls whose journal cannot be written or read."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from molam_sdk import (
    DeclinedError,
    JournalError,
    MolamTimeoutError,
    NetworkError,
    RateLimitError,
)
from molam_sdk.journal import Begun
from tests.journalling.conftest import DECLINED, Shop, failed
from tests.support.script import OK, REFUSED, TIMEOUT, error_reply


class Broken:
    """A store that fails where it is told to."""

    def __init__(self, store: Any, *fails: str) -> None:
        self.fails = set(fails)
        self._store = store

    def __getattr__(self, name: str) -> Any:
        if name in self.fails:
            return self._fail
        return getattr(self._store, name)

    def begin(self, *arguments: Any) -> Begun:
        return self.__getattr__("begin")(*arguments)

    def end(self, *arguments: Any) -> bool:
        return self.__getattr__("end")(*arguments)

    def find(self, *arguments: Any) -> Any:
        return self.__getattr__("find")(*arguments)

    def page(self, *arguments: Any) -> Any:
        return self.__getattr__("page")(*arguments)

    def prune(self, *arguments: Any) -> Any:
        return self.__getattr__("prune")(*arguments)

    def _fail(self, *_: Any) -> Any:
        raise OSError("the disk is full\nVALUES (secret)")


def test_a_journal_that_cannot_be_written_refuses_the_call(shop: Shop) -> None:
    transport = shop.open(journal=Broken(shop.bench.store, "begin"))
    error = failed(shop)
    assert isinstance(error, JournalError)
    assert (error.outcome, error.idempotency_key, error.operation) == ("not_sent", "order-7", "create_payment_intent")
    assert "the disk is full" in str(error)
    assert "secret" not in str(error)
    assert isinstance(error.__cause__, OSError)
    assert transport.requests == []


def test_a_journal_that_cannot_be_written_does_not_hide_a_doubt(shop: Shop) -> None:
    store = Broken(shop.bench.store)
    transport = shop.open(TIMEOUT, OK, journal=store)
    failed(shop)
    store.fails = {"begin"}
    assert failed(shop).outcome == "unknown"
    assert len(transport.requests) == 1


def test_a_journal_that_need_not_be_written_is_warned_of(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    shop.open(OK, journal=Broken(shop.bench.store, "begin"), journal_required=False)
    with caplog.at_level(logging.ERROR, "molam_sdk"):
        assert shop.pay().id == "pi_1"
    assert "a call is not in the journal" in caplog.text


def test_a_result_is_not_lost_where_its_end_cannot_be_written(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    shop.open(OK, journal=Broken(shop.bench.store, "end"))
    with caplog.at_level(logging.ERROR, "molam_sdk"):
        assert shop.pay().id == "pi_1"
    assert "is not in the journal: recover" in caplog.text
    assert shop.bench.entry().state == "open"


@pytest.mark.parametrize(
    ("answer", "kind", "outcome"),
    [
        (DECLINED, DeclinedError, "rejected"),  # Molam gives the same again when it is asked again
        (REFUSED, NetworkError, "unknown"),  # recover() will carry it out
        (error_reply(429), RateLimitError, "unknown"),
        (TIMEOUT, MolamTimeoutError, "unknown"),
    ],
)
def test_an_error_is_true_of_what_recover_will_do(shop: Shop, answer: Any, kind: Any, outcome: str) -> None:
    shop.open(answer, journal=Broken(shop.bench.store, "end"))
    error = failed(shop)
    assert isinstance(error, kind)
    assert error.outcome == outcome
    assert shop.bench.entry().state == "open"


def test_a_journal_that_cannot_be_read_says_so(shop: Shop) -> None:
    shop.open(journal=Broken(shop.bench.store, "find", "page"))
    with pytest.raises(JournalError, match="cannot be read"):
        shop.caller.call("resolve", "order-7")
    with pytest.raises(JournalError, match="cannot be read"):
        shop.recovered()
