"""The events the sandbox tells of, by the names of the contract, and the states of who is told."""

EVENT_TYPES = (
    "payment.created",
    "payment.succeeded",
    "payment.failed",
    "payment.canceled",
    "payment.requires_capture",
    "refund.created",
    "refund.succeeded",
    "refund.failed",
    "payout.created",
    "payout.paid",
    "payout.failed",
    "dispute.created",
    "dispute.resolved",
)

# Deliveries to a paused endpoint wait; those to a disabled one are canceled.
ENDPOINT_STATUSES = ("active", "paused", "disabled")
