"""What a test needs and the machine does not have: skipped with the reason, or red where all of it must be there."""

from __future__ import annotations

import os
from typing import Final, NoReturn

import pytest

REQUIRED: Final = "MOLAM_TEST_REQUIRE_STORES"


def leave_out(reason: str) -> NoReturn:
    """Skip this test; under ``MOLAM_TEST_REQUIRE_STORES=1``, as in CI, fail it."""
    if os.environ.get(REQUIRED, "0") not in {"", "0"}:
        pytest.fail(f"{REQUIRED} is set: {reason}", pytrace=False)
    pytest.skip(reason)
