"""Which requests and deliveries meet a fault, and which do not."""

from __future__ import annotations

from typing import Any

import pytest

from molam_sdk.sandbox.domain.clock import SandboxClock
from molam_sdk.sandbox.faults.faults import Faults
from molam_sdk.sandbox.faults.rule import KINDS
from molam_sdk.sandbox.operations.table import NAMES


def hits(faults: Faults, requests: int, operation: str = "create_refund", key: str | None = None) -> list[int]:
    """The numbers of the requests, from 1, that met a fault."""
    return [n for n in range(1, requests + 1) if faults.for_request(operation, key)]


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
    met = [faults.for_request("create_refund", None) for _ in range(2)]
    assert met == [first, second]


def test_deliveries_and_requests_have_faults_of_their_own(faults: Faults) -> None:
    late = faults.late(seconds=5, event="payout.paid")
    assert faults.for_request("create_payout", None) is None
    assert [faults.for_delivery(event) for event in ("payout.failed", "payout.paid")] == [None, late]


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
