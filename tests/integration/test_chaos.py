"""Thousands of requests through a broken network, a dying sandbox and dying merchants: every order exactly once."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path

import pytest

from molam_sdk._core.problem import Shape, read_problem
from tests.chaos.faults import SHARES, decide
from tests.chaos.gateways import STRANGERS, stranger
from tests.chaos.run import Plan, run


@pytest.mark.slow
@pytest.mark.timeout(240)
@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills processes the POSIX way")
def test_every_order_is_executed_once_and_every_claim_is_true(tmp_path: Path) -> None:
    plan = Plan(seed=2026, orders=1000, seconds=200, width=8, kill_every=1.5)
    figures, wrong = run(plan, tmp_path)
    print(json.dumps(figures, indent=2))
    assert wrong == []
    assert figures["share"] >= 0.3
    assert figures["sandbox_killed"] >= 1
    assert figures["merchants_killed"] >= 1
    met = ("strangers", "answers_of_another_call", "new_keys", "handed_over", "refused_for_the_other_tenant")
    assert {name for name in (*met, "torn_by_a_signal", "second_workers") if not figures[name]} == set()
    assert set(figures["claims"]) == {"not_sent", "rejected", "unknown", "accepted"}


def test_strangers_speak_like_gateways_and_never_like_molam() -> None:
    seen = {one.status for one in STRANGERS}
    assert seen == {200, 204, 302, 400, 401, 403, 404, 409, 413, 429}
    for one in STRANGERS:
        head, _, body = one.render().partition(b"\r\n\r\n")
        assert (b"X-Request-ID" in head) == one.request_id
        assert b"Molam" not in head + body
        assert one.status < 300 or read_problem(body).shape is not Shape.NESTED
    assert {stranger(number / 1000) for number in range(1000)} == set(STRANGERS)


def test_a_seed_decides_every_fault() -> None:
    met = [decide(7, f"key-{number}", nth) for number in range(1000) for nth in range(3)]
    assert met == [decide(7, f"key-{number}", nth) for number in range(1000) for nth in range(3)]
    assert met != [decide(8, f"key-{number}", nth) for number in range(1000) for nth in range(3)]
    found = Counter(fault.kind for fault in met if fault is not None)
    assert found.keys() == SHARES.keys()
    assert 0.3 < found.total() / len(met) < 0.5
