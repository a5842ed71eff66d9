"""The ways in which a claim was once false of the payment, and the test that holds each: none is without."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Final

import pytest

TESTS: Final = Path(__file__).parents[1]

HELD_BY: Final = {
    "a later call under a key in doubt": "money/test_claims.py::test_row_1_a_later_call_under_a_key_in_doubt",
    "a gateway's JSON after a lost answer": "money/test_claims.py::test_rows_2_4_5_a_stranger_answers_in_molams_place",
    "a conflict of our own making": "money/test_claims.py::test_row_3_a_state_of_our_own_making_is_looked_up",
    "a firewall's page in place of the answer": (
        "money/test_claims.py::test_rows_2_4_5_a_stranger_answers_in_molams_place"
    ),
    "a page, nothing, or an error under 200": (
        "money/test_claims.py::test_rows_2_4_5_a_stranger_answers_in_molams_place"
    ),
    "a chain of errors older than the key": (
        "money/test_claims.py::test_row_6_the_age_of_a_key_is_counted_from_its_first_use"
    ),
    "another tenant, region or host": "money/test_claims.py::test_row_7_resolve_asks_nobody_else",
    "a log handler or observer that raises": "clients/test_broken_bystanders.py::test_a_success_stays_one",
    "a time limit raised by a signal handler": (
        "clients/hostile/test_time_limits.py::test_a_limit_while_waiting_for_the_answer_is_a_doubt_that_can_be_resolved"
    ),
    "two threads at the pool": (
        "transport/blocking/test_pool.py::test_a_connection_that_another_thread_takes_while_the_pool_trims_is_no_error"
    ),
    "an API key callable that hangs": (
        "clients/hostile/test_api_key_callables.py::test_one_that_hangs_costs_no_call_more_than_its_time"
    ),
    "an error through Celery's JSON": (
        "money/test_claims.py::test_row_12_an_error_that_travels_keeps_its_claim_and_can_be_resolved"
    ),
    "a stray answer": "money/test_claims.py::test_row_14_an_answer_to_somebody_else_is_not_ours",
    "a certificate alert after the request": (
        "clients/hostile/test_connections.py"
        "::test_an_alert_about_the_certificate_after_the_request_was_carried_out_is_a_doubt"
    ),
    "a breaker's storage that fails or hangs": (
        "breaker/test_shared.py::test_a_storage_that_hangs_costs_no_answer_and_no_deadline"
    ),
    "what gather loses": "money/test_claims.py::test_row_17_what_is_lost_is_found_by_its_key",
    "an old key callable that answers late": (
        "clients/test_api_keys.py::test_an_old_callable_that_answers_late_does_not_bring_its_key_back"
    ),
    "an early answer": "clients/hostile/test_early_answers.py::test_an_early_refusal_is_believed_and_not_retried",
}
"""A process that is killed, its key with it, is the journal's to hold: nothing in the process can."""


@pytest.mark.parametrize("held_by", HELD_BY.values(), ids=HELD_BY)
def test_a_row_has_its_test(held_by: str) -> None:
    file, _, name = held_by.partition("::")
    tree = ast.parse((TESTS / file).read_text(encoding="utf-8"))
    assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
