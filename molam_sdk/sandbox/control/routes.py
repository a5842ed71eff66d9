"""The control paths: method, path and action of each."""

from starlette.routing import Route

from .actions import Control
from .admission import ControlAction, served

PREFIX = "/_sandbox"


def control_routes(control: Control) -> list[Route]:
    """The control paths of one running sandbox."""
    table: tuple[tuple[str, str, ControlAction], ...] = (
        ("GET", "/faults", control.list_faults),
        ("POST", "/faults", control.add_fault),
        ("DELETE", "/faults", control.clear_faults),
        ("DELETE", "/faults/{id}", control.remove_fault),
        ("GET", "/clock", control.read_clock),
        ("POST", "/clock/advance", control.advance_clock),
        ("GET", "/ledger", control.read_ledger),
        ("GET", "/audit", control.read_audit),
        ("GET", "/events", control.list_events),
        ("POST", "/events", control.trigger),
        ("GET", "/deliveries", control.list_deliveries),
        ("POST", "/deliveries/{id}/redeliver", control.redeliver),
        ("POST", "/deliveries/{id}/duplicate", control.duplicate),
        ("POST", "/webhooks/wait", control.wait),
    )
    return [Route(PREFIX + path, served(action), methods=[method]) for method, path, action in table]
