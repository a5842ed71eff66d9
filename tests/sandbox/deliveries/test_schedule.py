"""When a delivery is sent again, and when it is given up."""

from __future__ import annotations

import pytest

from molam_sdk.sandbox.deliveries.schedule import RETRY_AFTER, next_step

SCHEDULE = (60, 300, 900, 3600, 21600, 86400)


@pytest.mark.parametrize(
    ("status", "attempts", "expected"),
    [
        (200, 1, ("delivered", None)),
        (299, 7, ("delivered", None)),
        (302, 1, ("failed", None)),
        (400, 1, ("failed", None)),
        (404, 1, ("failed", None)),
        (410, 1, ("failed", None)),
        *((status, 1, ("pending", 60.0)) for status in (408, 409, 425, 429, 500, 503, 599, None)),
        *((None, attempts, ("pending", pause)) for attempts, pause in enumerate(SCHEDULE, start=1)),
        (None, 7, ("dead", None)),
        (500, 7, ("dead", None)),
    ],
)
def test_an_attempt_ends_retries_or_buries_a_delivery(
    status: int | None, attempts: int, expected: tuple[str, float | None]
) -> None:
    assert next_step(status, attempts) == expected


def test_the_schedule_is_the_one_of_the_contract() -> None:
    assert RETRY_AFTER == SCHEDULE
