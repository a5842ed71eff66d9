"""Both clients, over a journal in a file, and a clock for entries."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, cast

import pytest

from molam_sdk import MolamError
from molam_sdk.journal import Begun
from molam_sdk.store.database.sqlite import SqliteDatabase
from molam_sdk.testing import ScriptedTransport
from tests.support.caller import Caller, Kind
from tests.support.journals import Bench, bench_of
from tests.support.script import error_reply


@pytest.fixture(params=["sync", "async"])
def client_kind(request: pytest.FixtureRequest) -> Kind:
    """Which client the test runs with."""
    return cast(Kind, request.param)


@pytest.fixture
def caller(client_kind: Kind) -> Iterator[Caller]:
    """Makes and calls clients of this kind, and closes them."""
    made = Caller(client_kind)
    yield made
    made.close()


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """The journal of the clients."""
    with closing(SqliteDatabase(tmp_path / "molam.db")) as database:
        yield bench_of(database)


DECLINED = error_reply(402, "card_declined")


class Shop:
    """Makes clients that share a journal, and pays by them."""

    def __init__(self, caller: Caller, bench: Bench) -> None:
        self.caller = caller
        self.bench = bench

    def open(self, *script: Any, **options: Any) -> ScriptedTransport:
        """A client whose requests are answered so; each time one of a new process, as far as it remembers."""
        transport = ScriptedTransport(*script)
        options = {"journal": self.bench.store, "max_retries": 0, "retry_backoff_factor": 0} | options
        self.caller.make(transport=transport, guarded=False, **options)
        return transport

    def pay(self, key: str = "order-7", amount: str = "100.50", **options: Any) -> Any:
        """A payment under this key."""
        order = {"amount": amount, "currency": "USD"}
        return self.caller.call("create_payment_intent", order, idempotency_key=key, **options)

    def recovered(self, **options: Any) -> list[Any]:
        """What ``recover`` gives."""
        return self.caller.collect("recover", **options)

    def listed(self, **options: Any) -> list[Any]:
        """What ``journal.list`` gives."""
        found = self.caller.client.journal.list(**options)
        return list(found) if self.caller.kind == "sync" else self.caller.wait(_collected(found))


class EndsMeanwhile:
    """A store in which another worker ends its call while this one waits."""

    def __init__(self, store: Any, end: Callable[[], object]) -> None:
        self._store = store
        self._end = end
        self.end, self.find, self.page, self.prune = store.end, store.find, store.page, store.prune

    def begin(self, asked: Any, lease_seconds: float) -> Begun:
        begun: Begun = self._store.begin(asked, lease_seconds)
        self._end()
        return begun


def failed(shop: Shop, **options: Any) -> MolamError:
    """The error of a payment."""
    with pytest.raises(MolamError) as caught:
        shop.pay(**options)
    return caught.value


async def _collected(entries: Any) -> list[Any]:
    return [entry async for entry in entries]


@pytest.fixture
def shop(caller: Caller, bench: Bench) -> Shop:
    return Shop(caller, bench)
