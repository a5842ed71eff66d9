"""The control paths: method, path and action of each."""

from starlette.routing import Route

from .actions import Control
from .admission import Admission, ControlAction, served
from .looking import Looking
from .services import ControlServices
from .webhook_actions import WebhookControl

PREFIX = "/_sandbox"


def control_routes(services: ControlServices, admission: Admission) -> list[Route]:
    """The control paths of one running sandbox."""
    control, webhooks, looking = Control(services), WebhookControl(services), Looking(services)
    table: tuple[tuple[str, str, ControlAction], ...] = (
        ("GET", "/status", looking.status),
        ("GET", "/stream", looking.stream),
        ("GET", "/requests", looking.list_requests),
        ("DELETE", "/requests", looking.clear_requests),
        ("GET", "/requests/{id}", looking.read_request),
        ("GET", "/faults/kinds", looking.fault_kinds),
        ("GET", "/ledger/accounts", looking.accounts),
        ("GET", "/faults", control.list_faults),
        ("POST", "/faults", control.add_fault),
        ("DELETE", "/faults", control.clear_faults),
        ("DELETE", "/faults/{id}", control.remove_fault),
        ("GET", "/snapshot", control.take_snapshot),
        ("POST", "/snapshot", control.restore_snapshot),
        ("POST", "/reset", control.reset),
        ("GET", "/clock", control.read_clock),
        ("POST", "/clock/advance", control.advance_clock),
        ("GET", "/ledger", control.read_ledger),
        ("GET", "/audit", control.read_audit),
        ("GET", "/payments", control.list_payments),
        ("GET", "/payments/{id}", control.read_payment),
        ("POST", "/payments/{id}/dispute", control.dispute),
        ("POST", "/payments/{id}/decline", control.decline),
        ("POST", "/disputes/{id}", control.decide),
        ("GET", "/keys", control.list_keys),
        ("POST", "/keys", control.create_key),
        ("DELETE", "/keys/{id}", control.revoke_key),
        ("GET", "/events", webhooks.list_events),
        ("POST", "/events", webhooks.trigger),
        ("GET", "/inbox", webhooks.inbox),
        ("GET", "/deliveries", webhooks.list_deliveries),
        ("GET", "/deliveries/{id}", webhooks.read_delivery),
        ("POST", "/deliveries/{id}/explain", webhooks.explain),
        ("POST", "/deliveries/{id}/redeliver", webhooks.redeliver),
        ("POST", "/deliveries/{id}/duplicate", webhooks.duplicate),
        ("POST", "/endpoints/{id}", webhooks.set_status),
        ("POST", "/webhooks/wait", webhooks.wait),
    )
    return [Route(PREFIX + path, served(action, admission), methods=[method]) for method, path, action in table]
