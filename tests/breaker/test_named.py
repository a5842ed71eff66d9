"""Clients of one name and address share a breaker, whenever they are made; one that was given is used as it is."""

from __future__ import annotations

import gc
import logging
import os
import threading
import weakref
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from molam_sdk import ClientConfig, MolamAsyncClient, MolamSyncClient
from molam_sdk._breaker.named import NAMED, ClientBreaker, NamedBreakers
from molam_sdk._breaker.settings import BreakerSettings
from molam_sdk.cb import FailureRate, breakers, create_circuit_breaker, reset_all
from molam_sdk.testing import ScriptedTransport
from tests.support.breaker import call, guarded
from tests.support.script import OK, error_reply

ELSEWHERE = "https://elsewhere.test"


def client_at(base_url: str, *script: Any, **options: Any) -> MolamSyncClient:
    config = ClientConfig(api_key="sk_live_1", max_retries=0, base_url=base_url)
    return MolamSyncClient(config, transport=ScriptedTransport(*script), registry=CollectorRegistry(), **options)


def test_clients_that_are_made_for_one_request_each_open_their_breaker_together() -> None:
    ends = [call(guarded(ScriptedTransport(error_reply(503))))[0] for _ in range(6)]
    assert ends == ["ServerError"] * 5 + ["CircuitOpenError"]


def test_it_is_kept_when_the_last_client_of_its_name_is_gone() -> None:
    guarded(ScriptedTransport()).cb.open()
    gc.collect()
    assert call(guarded(ScriptedTransport())) == ["CircuitOpenError"]


def test_both_clients_share_one() -> None:
    config = ClientConfig(api_key="sk_live_1")
    blocking = MolamSyncClient(config, transport=ScriptedTransport(), registry=CollectorRegistry())
    assert MolamAsyncClient(config, registry=CollectorRegistry()).cb is blocking.cb


def test_another_name_and_another_address_have_their_own() -> None:
    first = guarded(ScriptedTransport())
    first.cb.open()
    assert call(guarded(ScriptedTransport(OK), cb_name="payouts")) == ["ok"]
    assert call(client_at(ELSEWHERE, OK)) == ["ok"]
    found = [(breaker.name, breaker.base_url, breaker.cb.current_state) for breaker in breakers()]
    assert found == [
        ("molam_api_cb", "https://api.molam.io", "open"),
        ("payouts", "https://api.molam.io", "closed"),
        ("molam_api_cb", ELSEWHERE, "closed"),
    ]


def test_a_client_that_moves_stands_behind_the_breaker_of_its_new_address() -> None:
    client = guarded(ScriptedTransport(OK, OK))
    client.cb.open()
    client.base_url = ELSEWHERE
    assert call(client) == ["ok"]
    assert client.cb is client_at(ELSEWHERE).cb
    client.client.set_region("eu-west")  # by its view
    assert call(client) == ["ok"]
    client.base_url = "https://api.molam.io"
    assert call(client) == ["CircuitOpenError"]


def test_probes_are_counted_over_all_clients_of_a_name() -> None:
    first, second = guarded(ScriptedTransport(OK)), guarded(ScriptedTransport())
    first.cb.half_open()
    probe = first._passage()
    assert probe is not None
    assert probe.admit(again=False) is None
    assert call(second) == ["CircuitOpenError"]


@pytest.mark.parametrize("shared", [False, True])
def test_a_failure_rate_is_counted_over_all_clients(shared: bool) -> None:
    rate = FailureRate(0.5, minimum_calls=4)
    given: dict[str, Any] = {"cb": create_circuit_breaker(fail_max=99)} if shared else {"cb_fail_max": 99}
    ends = [guarded(ScriptedTransport(error_reply(503)), cb_failure_rate=rate, **given) for _ in range(5)]
    assert [call(client)[0] for client in ends] == ["ServerError"] * 4 + ["CircuitOpenError"]


def test_a_breaker_that_was_given_is_used_as_it_is_and_shared_by_no_name() -> None:
    own = create_circuit_breaker("molam_api_cb", fail_max=1)
    client = guarded(ScriptedTransport(error_reply(503)), cb=own)
    assert (client.cb, breakers()) == (own, ())
    assert call(client, 2) == ["ServerError", "CircuitOpenError"]
    client.base_url = ELSEWHERE
    reset_all()
    assert (client.cb, call(client)) == (own, ["CircuitOpenError"])
    assert call(guarded(ScriptedTransport(OK))) == ["ok"]


def test_reset_all_closes_them_and_forgets_what_they_counted(caplog: pytest.LogCaptureFixture) -> None:
    rate = FailureRate(0.9, minimum_calls=3)
    opened = guarded(ScriptedTransport(OK), cb_name="opened")
    counting = guarded(ScriptedTransport(*[error_reply(503)] * 4), cb_fail_max=3, cb_failure_rate=rate)
    opened.cb.open()
    call(counting, 2)
    caplog.clear()
    with caplog.at_level(logging.INFO, "molam_sdk._none"):
        reset_all()
    assert (call(opened), opened.cb.current_state) == (["ok"], "closed")
    assert counting.cb.fail_counter == 0
    assert call(counting, 2) == ["ServerError"] * 2
    assert counting.cb.current_state == "closed"
    assert opened.cb is guarded(ScriptedTransport(), cb_name="opened").cb


def test_after_begin_anew_a_client_of_before_is_closed_and_a_new_one_apart(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "molam_sdk")
    before = guarded(ScriptedTransport(OK, OK), cb_fail_max=2)
    for _ in range(2):
        before.cb.open()
        NAMED.begin_anew()
        assert call(before) == ["ok"]
    assert guarded(ScriptedTransport(), cb_fail_max=3).cb is not before.cb
    assert caplog.messages == ["circuit breaker 'molam_api_cb' is open: calls are refused for 60 s"] * 2


def test_threads_that_come_at_the_same_time_get_the_same_one() -> None:
    named, start = NamedBreakers(), threading.Barrier(16)
    found: list[Any] = []

    def ask() -> None:
        start.wait(10)
        found.append(named.breaker("https://api.test", "x", BreakerSettings()))

    threads = [threading.Thread(target=ask) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({id(breaker) for breaker in found}) == 1
    assert len(found) == 16


def test_names_beyond_the_bound_are_not_kept_and_push_out_nobody(caplog: pytest.LogCaptureFixture) -> None:
    named = NamedBreakers(most_kept=2)
    kept = [named.breaker("https://api.test", name, BreakerSettings()) for name in ("a", "b")]
    beyond = named.breaker("https://api.test", "c", BreakerSettings())
    beyond.cb.open()
    other = named.breaker("https://api.test", "c", BreakerSettings())
    assert other is not beyond
    assert [named.breaker("https://api.test", name, BreakerSettings()) for name in ("a", "b")] == kept
    assert [breaker.name for breaker in named.all()] == ["a", "b"]
    named.reset()
    assert beyond.cb.current_state == "closed"
    assert [message.partition(":")[0] for message in caplog.messages if "kept" in message] == [
        "2 circuit breakers are kept, and no more"
    ]
    gone = weakref.ref(beyond)
    del beyond, other
    gc.collect()
    assert gone() is None


def test_a_client_breaker_that_leaves_takes_nothing_along() -> None:
    seen: list[Any] = []
    first = ClientBreaker("x", BreakerSettings(), "https://api.test", seen.append)
    second = ClientBreaker("x", BreakerSettings(), "https://api.test", seen.append)
    assert first.at("https://api.test") is second.at("https://api.test")
    assert seen[0] is seen[1]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_child_process_knows_what_its_parent_knew_and_counts_for_itself() -> None:
    client = guarded(ScriptedTransport())
    client.cb.open()
    breaker = client._breaker.at(client.base_url)
    with client.cb._lock, breaker._lock:  # as another thread of the parent may hold them
        child = os.fork()
        if not child:
            ends = call(guarded(ScriptedTransport()))
            reset_all()
            os._exit(0 if (ends, client.cb.current_state) == (["CircuitOpenError"], "closed") else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert client.cb.current_state == "open"
