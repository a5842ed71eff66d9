"""A fault as it is written on a command line."""

from __future__ import annotations

import pytest

from molam_sdk.sandbox.faults.spec import read_fault


@pytest.mark.parametrize(
    ("spec", "parts"),
    [
        ("drop_before", {"kind": "drop_before"}),
        ("status:status=503,operation=create_refund", {"kind": "status", "status": 503, "operation": "create_refund"}),
        ("reset:commit=true,probability=0.5", {"kind": "reset", "commit": True, "probability": 0.5}),
        ('{"kind": "status", "headers": {"Retry-After": "3"}}', {"kind": "status", "headers": {"Retry-After": "3"}}),
    ],
)
def test_a_fault_is_written_in_one_word(spec: str, parts: dict[str, object]) -> None:
    assert read_fault(spec) == parts
