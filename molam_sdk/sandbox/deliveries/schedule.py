"""When a delivery is sent again, and when it is given up: the schedule of the contract."""

from typing import NamedTuple

RETRY_AFTER = (60.0, 300.0, 900.0, 3600.0, 6 * 3600.0, 24 * 3600.0)
RETRIED = frozenset({408, 409, 425, 429})
# Jitter only shortens: whoever advances the clock by the documented minute has seen the retry.
JITTER = (0.9, 1.0)


class NextStep(NamedTuple):
    """The status of a delivery after an attempt, and the seconds to the next one if it has one."""

    status: str
    pause: float | None = None


def next_step(status: int | None, attempts: int) -> NextStep:
    """What becomes of a delivery whose nth attempt was answered with `status`, None where no answer came.

    Any 2xx ends it; what the contract retries is retried until the schedule is used up, then it is a dead letter;
    anything else ends it as failed.
    """
    if status is not None and 200 <= status < 300:
        return NextStep("delivered")
    if status is not None and status not in RETRIED and status < 500:
        return NextStep("failed")
    return NextStep("pending", RETRY_AFTER[attempts - 1]) if attempts <= len(RETRY_AFTER) else NextStep("dead")
