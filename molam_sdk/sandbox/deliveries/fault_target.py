"""What a delivery is to the rules of faults."""

import json

from sqlalchemy import RowMapping

from ..faults.met import FaultTarget
from ..store.recording import order_of
from ..store.transaction import StoreTransaction


def target_of(tx: StoreTransaction, event: RowMapping, endpoint_id: str) -> FaultTarget:
    """Its traits, and its like: deliveries of this type for the same order, or of the same amount."""
    document = tx.find_document(event["object_id"]) if event["object_id"] else None
    data = json.loads(event["body"])["data"]
    order = order_of(document if document is not None else data)
    traits = {
        "event": event["type"],
        "endpoint": endpoint_id,
        "account": event["account"],
        "order": order,
        "scope": event["scope"],
    }
    alike = order if order is not None else f"{data.get('amount')} {data.get('currency')}"
    return FaultTarget("delivery", traits, f"{event['type']} {alike}")
