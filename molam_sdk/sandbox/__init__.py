"""An offline Molam to build and test against: stateful, signed webhooks, faults on demand, a clock one can move."""

from .faults import Fault
from .server import Sandbox
from .store import DatabaseInUseError
from .webhooks import Attempt, Delivery

__all__ = ["Attempt", "DatabaseInUseError", "Delivery", "Fault", "Sandbox"]
