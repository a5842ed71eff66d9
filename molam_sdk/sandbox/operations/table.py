"""The API on one page: what the router serves, the keys' scopes open, and the OpenAPI document describes."""

from . import merchants, payment_intents, payouts, refunds, webhook_endpoints

OPERATIONS = (
    *payment_intents.OPERATIONS,
    *refunds.OPERATIONS,
    *payouts.OPERATIONS,
    *merchants.OPERATIONS,
    *webhook_endpoints.OPERATIONS,
)
NAMES = tuple(operation.name for operation in OPERATIONS)
SCOPES = tuple(sorted({operation.scope for operation in OPERATIONS}))
