"""An offline Molam to build and test against: stateful, signed webhooks, faults on demand, a clock one can
move.
"""

from molam_sdk.sandbox.faults import Fault
from molam_sdk.sandbox.server import Sandbox
from molam_sdk.sandbox.store import DatabaseInUseError
from molam_sdk.sandbox.webhooks import Attempt, Delivery

__all__ = ["Attempt", "DatabaseInUseError", "Delivery", "Fault", "Sandbox"]
