"""What a request is to the rules of faults, and which it meets."""

import json
import re
from typing import Any

from starlette.requests import Request

from ..faults.met import NONE_MET, FaultTarget, MetFaults
from ..store.recording import order_of
from .exchange import Exchange
from .services import ApiServices

# The ids that the sandbox makes differ from run to run; what is asked does not.
_IDS = re.compile(r"\b([a-z]{2,4})_[0-9a-f]{24}\b")


def faults_met(services: ApiServices, exchange: Exchange, request: Request, raw: bytes | None) -> MetFaults:
    """The faults of this request; asked before anything else is decided about it."""
    if not services.faults:
        return NONE_MET
    order = _order(services, request, raw or b"")
    key = services.keys.find(request.headers.get("authorization"))
    traits = {
        "operation": exchange.operation.name,
        "method": request.method,
        "key": exchange.idempotency_key,
        "account": key.account if key else None,
        "order": order,
        "scope": exchange.scope,
    }
    like = order if order is not None else _IDS.sub(r"\1", f"{exchange.path} {(raw or b'').decode('latin-1')}")
    return services.faults.met_by(FaultTarget("request", traits, f"{exchange.operation.name} {like}"))


def _order(services: ApiServices, request: Request, raw: bytes) -> str | None:
    """The merchant's order that is asked about: in the body, or of the object that path or body name."""
    body = _object_in(raw)
    named = order_of({"metadata": body.get("metadata")})
    about = request.path_params.get("id") or body.get("payment_id")
    if named is not None or not isinstance(about, str):
        return named
    with services.store.transaction() as tx:
        document = tx.find_document(about)
    return order_of(document) if document else None


def _object_in(raw: bytes) -> dict[str, Any]:
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}
