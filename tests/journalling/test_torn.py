"""An exception raised between any two lines of a journalled call leaves a journal that is true, and a true error."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import Any

import pytest

from molam_sdk import ClientConfig, MolamError, MolamSyncClient, RequestValidationError
from molam_sdk._resolving import failed_call
from molam_sdk.journal import Entry
from tests.support.http_server import ORDER, HostileServer, created, error
from tests.support.tearing import Torn, in_a_thread_of_its_own, lines, tearing

pytestmark = pytest.mark.filterwarnings(
    "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning", "ignore::DeprecationWarning"
)


def torn(client: MolamSyncClient, line: int) -> tuple[BaseException | None, str]:
    """What a call ends with that is torn at its n-th line, and where; None once it has fewer lines."""
    raised: BaseException | None = None
    with tearing(line, _raise) as tear:
        try:
            client.create_payment_intent(ORDER, idempotency_key=f"order-{line}")
        except (Torn, MolamError) as problem:
            raised = problem
    return (raised if tear.where else None), tear.where


def _raise(where: str) -> None:
    raise Torn(where)


def check(server: HostileServer, raised: BaseException, entry: Entry | None, line: int, refuses: bool) -> None:
    """What was sent is open or truly closed, and nobody is told that it was not sent while it will be."""
    sent = [request for request in server.requests if request.key == f"order-{line}"]
    if sent:
        assert entry is not None, raised
        assert entry.state != "free" or (entry.outcome == "rejected" and refuses), raised
    if entry is None or entry.state != "open":
        return
    try:
        told = failed_call(raised)
    except RequestValidationError:
        return
    if "_journalling" not in str(raised):  # torn in writing its end, an entry stays open whatever was told before
        assert told.outcome != "not_sent", (str(raised), entry)


@pytest.mark.slow
@pytest.mark.parametrize("answers", ["well", "badly"])
@in_a_thread_of_its_own
def test_a_call_torn_at_any_line_leaves_a_true_journal(tmp_path: Path, answers: str) -> None:
    with HostileServer(usual=created() if answers == "well" else error(402, "card_declined")) as server:
        settings = ClientConfig(api_key="sk_test_x", base_url=server.url, max_retries=0)
        with MolamSyncClient(settings, journal=str(tmp_path / "molam.db")) as client:
            places = tear_at_each(client, server, answers)
            left = [entry for entry in client.journal.list(open=True) if entry.lease_left > 0]
            assert len(left) <= 1 + len(places) / 50, [
                places[entry.key] for entry in left
            ]  # torn where it is given back
            settle(client, answers)


def tear_at_each(client: MolamSyncClient, server: HostileServer, answers: str) -> dict[str, str]:
    """Tears a call of its own at each line; where, by its key."""
    places: dict[str, str] = {}
    line = 0
    for line in lines(7 if answers == "well" else 0):
        raised, places[f"order-{line}"] = torn(client, line)
        if raised is None:
            break
        check(server, raised, client.journal.get(f"order-{line}"), line, answers == "badly")
        del raised
        gc.collect(0)
    assert line > 600
    return places


def settle(client: MolamSyncClient, answers: str) -> None:
    """Once the leases are over, recover ends all that is open."""
    database: Any = client._state.journal.store._database  # type: ignore[union-attr]
    database.execute("UPDATE molam_journal SET lease_until = 0")
    state = "done" if answers == "well" else "refused"
    assert {entry.state for entry in client.recover(per_second=1000)} <= {state}
    assert list(client.journal.list(open=True)) == []
