"""Whatever bytes come, in whatever pieces: an answer, or a MolamError; never anything else."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from molam_sdk import MolamError, PaymentIntent
from molam_sdk._core.retry import parse_retry_after
from tests.http.strategies import answers
from tests.support.caller import Caller, Kind
from tests.support.http_server import ORDER, HostileServer, then_close

pytestmark = pytest.mark.slow

LIMIT = 4096


@given(
    st.text(max_size=40) | st.from_regex(r"[A-Z][a-z]{2}, [0-9 ]{1,3} [A-Z][a-z]{2} [0-9]{1,5} [0-9:]{5,9} ?[A-Z+0-9]*")
)
@settings(max_examples=1000, deadline=None)
def test_any_retry_after_is_a_number_of_seconds_or_nothing(text: str) -> None:
    seconds = parse_retry_after(text, 1_800_000_000.0)
    assert seconds is None or seconds >= 0


@pytest.fixture(scope="module")
def server() -> Iterator[HostileServer]:
    with HostileServer() as running:
        yield running


@pytest.fixture(scope="module", params=["sync", "async"])
def connected(request: pytest.FixtureRequest, server: HostileServer) -> Iterator[Caller]:
    kind: Kind = request.param
    caller = Caller(kind)
    caller.make(server.url, max_retries=1, retry_backoff_factor=0.0, timeout_read=0.05, timeout_total=5,
                max_body_bytes=LIMIT, guarded=False)  # fmt: skip
    yield caller
    caller.close()


@given(answers)
@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_only_a_molam_error_comes_out_of_a_client(connected: Caller, server: HostileServer, whole: bytes) -> None:
    server.usual = then_close(whole)
    (found,) = connected.together([("create_payment_intent", (ORDER,), {})])
    assert isinstance(found, MolamError | PaymentIntent)
    if isinstance(found, MolamError):
        assert found.outcome in ("rejected", "unknown", "accepted")
        assert str(found).isprintable()
        repr(found)
