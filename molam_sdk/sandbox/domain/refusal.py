"""RefusalError: the one way in which a rule, a check or a handler says no."""

from dataclasses import dataclass, field


@dataclass(eq=False)
class RefusalError(Exception):
    """HTTP status, machine code, a sentence for people, and the parameter at fault if there is one.

    How it is written on the wire is decided in contract/problems.py.
    """

    status: int
    code: str
    message: str
    param: str | None = None
    headers: dict[str, str] = field(default_factory=dict)


def state_conflict(message: str, param: str | None = None) -> RefusalError:
    """409: the payment intent is in a state from which this cannot start."""
    return RefusalError(409, "payment_intent_unexpected_state", message, param)
