"""Which requests and deliveries meet a fault, and which do not."""

from __future__ import annotations

from typing import Any

import pytest

from molam_sdk.sandbox.domain.clock import SandboxClock
from molam_sdk.sandbox.faults.faults import Faults
from molam_sdk.sandbox.faults.met import FaultTarget
from molam_sdk.sandbox.faults.rule import KINDS, TRAITS
from molam_sdk.sandbox.operations.table import NAMES


def request(operation: str = "create_refund", alike: str = "", **traits: str | None) -> FaultTarget:
    known = dict.fromkeys(TRAITS["request"])
    return FaultTarget("request", {**known, "operation": operation, **traits}, f"{operation} {alike}")


def delivery(event: str, **traits: str | None) -> FaultTarget:
    return FaultTarget("delivery", {**dict.fromkeys(TRAITS["delivery"]), "event": event, **traits}, event)


def hits(faults: Faults, requests: int, operation: str = "create_refund", **traits: str | None) -> list[int]:
    """The numbers of the requests, from 1, that met a fault."""
    return [n for n in range(1, requests + 1) if faults.met_by(request(operation, **traits))]


@pytest.fixture
def faults() -> Faults:
    return Faults(SandboxClock(), NAMES, seed=7)


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ({}, [1, 2, 3, 4]),
        ({"operation": "create_refund"}, [1, 2, 3, 4]),
        ({"operation": "create_payout"}, []),
        ({"key": "k"}, []),
        ({"nth": 3}, [3]),
        ({"times": 2}, [1, 2]),
        ({"nth": 5}, []),
        ({"probability": 0}, []),
    ],
)
def test_a_rule_acts_on_the_requests_it_names(faults: Faults, parts: dict[str, Any], expected: list[int]) -> None:
    faults.add(kind="drop_before", **parts)
    assert hits(faults, 4) == expected


def test_a_rule_for_a_key_leaves_others_alone(faults: Faults) -> None:
    faults.drop_before(key="k")
    assert (hits(faults, 2, key="k"), hits(faults, 2, key="other")) == ([1, 2], [])


def test_probability_is_decided_by_the_seed_alone() -> None:
    drawn = []
    for seed in (7, 7, 8):
        faults = Faults(SandboxClock(), NAMES, seed)
        faults.drop_before(probability=0.3)
        drawn.append(hits(faults, 200))
    assert drawn[0] == drawn[1] != drawn[2]
    assert 30 < len(drawn[0]) < 90


def test_a_rule_has_a_seed_of_its_own_if_it_wants() -> None:
    drawn = []
    for seed in (1, 2):
        faults = Faults(SandboxClock(), NAMES, seed)
        faults.drop_before(probability=0.5, seed=99)
        drawn.append(hits(faults, 50))
    assert drawn[0] == drawn[1]


def test_a_rule_ends_when_its_time_is_over() -> None:
    clock = SandboxClock()
    faults = Faults(clock, NAMES)
    faults.drop_before(for_seconds=60)
    assert hits(faults, 1) == [1]
    clock.shift(61)
    assert hits(faults, 1) == []


def test_the_first_rule_that_fires_acts(faults: Faults) -> None:
    first = faults.status(500, times=1)
    second = faults.status(502)
    met = [faults.met_by(request()).of("answer") for _ in range(2)]
    assert met == [first, second]


def test_one_of_each_stage_acts_so_that_faults_combine(faults: Faults) -> None:
    made = [faults.latency(0.1), faults.status(500), faults.drop_before(), faults.drip_body(), faults.unknown_fields()]
    met = faults.met_by(request()).by_stage
    assert met == {"wait": made[0], "answer": made[1], "pace": made[3], "form": made[4]}


def test_nth_counts_what_an_earlier_rule_took(faults: Faults) -> None:
    first, third = faults.status(500, times=2), faults.status(502, nth=3)
    met = [faults.met_by(request()).of("answer") for _ in range(4)]
    assert met == [first, first, third, None]


@pytest.mark.parametrize(
    ("name", "value"),
    [("account", "a1"), ("order", "o1"), ("method", "POST"), ("scope", "test-7"), ("key", "k1")],
)
def test_a_rule_keeps_to_what_it_is_told(faults: Faults, name: str, value: str) -> None:
    faults.drop_before(**{name: value})
    assert hits(faults, 2, **{name: value}) == [1, 2]
    assert hits(faults, 2, **{name: "other"}) == hits(faults, 2) == []


def test_draws_do_not_depend_on_the_order_of_arrival() -> None:
    orders = [f"order-{n}" for n in range(100)]

    def met(arriving: list[str]) -> set[str]:
        faults = Faults(SandboxClock(), NAMES, seed=7)
        faults.drop_before(probability=0.3)
        return {order for order in arriving if faults.met_by(request(alike=order))}

    assert met(orders) == met(orders[::-1])
    assert 10 < len(met(orders)) < 60


def test_deliveries_and_requests_have_faults_of_their_own(faults: Faults) -> None:
    late = faults.late(seconds=5, event="payout.paid")
    assert not faults.met_by(request("create_payout"))
    assert [faults.met_by(delivery(event)).of("time") for event in ("payout.failed", "payout.paid")] == [None, late]


def test_the_list_counts_and_clear_ends(faults: Faults) -> None:
    fault = faults.drop_before(nth=2)
    hits(faults, 3)
    assert [(rule["id"], rule["seen"], rule["fired"]) for rule in faults.list()] == [(fault.id, 3, 1)]
    assert (faults.remove(fault.id), faults.remove(fault.id)) == (True, False)
    faults.drop_before()
    faults.clear()
    assert faults.list() == []


def test_every_kind_has_a_method(faults: Faults) -> None:
    for kind in KINDS:
        assert getattr(faults, kind)().kind == kind
