"""Lookups that callers of one name share."""

from __future__ import annotations

import socket
import threading

import pytest

from molam_sdk._aside import Aside
from molam_sdk._core.wire import Failure
from molam_sdk._http.error import NoReplyError
from molam_sdk._transport import dns


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, to be set."""
    now = [100.0]
    monkeypatch.setattr(dns, "clock", lambda: now[0])
    return now


def _lookup() -> dns.NameLookup:
    return Aside(list)


def test_one_that_hangs_is_joined_for_5_seconds_then_10_then_20(clock: list[float]) -> None:
    lookups = dns._Lookups()
    first, second, third = _lookup(), _lookup(), _lookup()
    assert lookups.join("api.test", 443, first) is first
    for seconds, found in ((104.9, first), (105.0, second), (114.9, second), (115.0, third), (134.9, third)):
        clock[0] = seconds
        assert lookups.join("api.test", 443, second if found is not third else third) is found


def test_each_name_and_port_has_its_own(clock: list[float]) -> None:
    lookups = dns._Lookups()
    for host, port in (("api.test", 443), ("api.test", 80), ("other.test", 443)):
        lookup = _lookup()
        assert lookups.join(host, port, lookup) is lookup


def test_one_that_ended_is_forgotten_and_the_others_are_not(clock: list[float]) -> None:
    lookups = dns._Lookups()
    hung, ended, next_one = _lookup(), _lookup(), _lookup()
    lookups.join("api.test", 443, hung)
    clock[0] += 5
    lookups.join("api.test", 443, ended)
    lookups.forget("api.test", 443, ended)
    clock[0] -= 1
    assert lookups.join("api.test", 443, next_one) is hung
    lookups.forget("api.test", 443, hung)
    assert lookups.join("api.test", 443, next_one) is next_one
    lookups.after_fork()
    assert lookups.join("api.test", 443, ended) is ended


def test_the_thread_of_a_lookup_has_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = list[str]()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: seen.append(threading.current_thread().name) or [])
    assert dns.look_up("api.test", 443).wait(30)
    assert seen == ["molam-dns-api.test"]


@pytest.mark.parametrize("answer", [[], OSError("gone")])
def test_a_name_without_addresses_is_told_as_that(answer: object) -> None:
    def look() -> list[dns.AddressInfo]:
        if isinstance(answer, OSError):
            raise answer
        return []

    lookup: dns.NameLookup = Aside(look)
    lookup.run()
    with pytest.raises(NoReplyError, match=r"^no address for api\.test: (None|gone)$") as caught:
        dns.found_by(lookup, "api.test")
    assert (caught.value.failure, caught.value.__cause__) == (Failure.DNS, lookup.problem)


def test_families_are_tried_in_turn_the_resolvers_first_one_first() -> None:
    four, six = [(2, 1, 6, "", (f"10.0.0.{n}", 1)) for n in range(3)], [(10, 1, 6, "", (f"::{n}", 1)) for n in range(1)]
    assert dns.interleaved([*six, *four]) == [six[0], *four]
    assert dns.interleaved([*four, *six]) == [four[0], six[0], *four[1:]]
