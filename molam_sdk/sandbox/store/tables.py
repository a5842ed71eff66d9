"""The sandbox's tables."""

from sqlalchemy import Boolean, Column, Float, Index, Integer, MetaData, String, Table, Text

SCHEMA = MetaData()


def _sequence() -> Column[int]:
    return Column("seq", Integer, primary_key=True)


documents = Table(
    "documents",
    SCHEMA,
    _sequence(),
    Column("id", String, nullable=False, unique=True),
    Column("kind", String, nullable=False),
    Column("account", String, nullable=False),
    Column("status", String, nullable=False),
    # What lists filter by: the customer of an intent, the payment of a refund, the tenant of an endpoint.
    Column("owner", String),
    Column("amount", Integer),
    Column("body", Text, nullable=False),
    Index("documents_by_kind", "kind", "account", "seq"),
    Index("documents_by_owner", "owner"),
)

# One row per POST or DELETE that reached a key: audit trail, idempotency record and proof of execution.
requests = Table(
    "requests",
    SCHEMA,
    _sequence(),
    Column("at", Float, nullable=False),
    Column("request_id", String, nullable=False),
    Column("account", String, nullable=False),
    Column("key_id", String, nullable=False),
    Column("operation", String, nullable=False),
    Column("path", String, nullable=False),
    Column("idempotency_key", String),
    Column("fingerprint", String),
    Column("status", Integer, nullable=False),
    Column("answer", Text),
    Column("object_id", String),
    Column("order_id", String),
    Column("executed", Boolean, nullable=False),
    Column("replayable", Boolean, nullable=False),
    Index("requests_by_key", "idempotency_key"),
    Index("requests_by_order", "order_id"),
)

ledger = Table(
    "ledger",
    SCHEMA,
    _sequence(),
    Column("at", Float, nullable=False),
    Column("movement", String, nullable=False),
    Column("ledger_account", String, nullable=False),
    Column("currency", String, nullable=False),
    # Minor units: a debit is positive, a credit negative.
    Column("amount", Integer, nullable=False),
    Column("why", String, nullable=False),
    Column("object_id", String, nullable=False),
    Column("order_id", String),
    Column("idempotency_key", String),
    Index("ledger_by_order", "order_id"),
)

events = Table(
    "events",
    SCHEMA,
    _sequence(),
    Column("id", String, nullable=False, unique=True),
    Column("account", String, nullable=False),
    Column("type", String, nullable=False),
    Column("at", Float, nullable=False),
    Column("body", Text, nullable=False),
)

deliveries = Table(
    "deliveries",
    SCHEMA,
    _sequence(),
    Column("id", String, nullable=False, unique=True),
    Column("event_id", String, nullable=False),
    Column("endpoint_id", String, nullable=False),
    Column("status", String, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("due_at", Float, nullable=False),
    Index("deliveries_due", "status", "due_at"),
)

attempts = Table(
    "attempts",
    SCHEMA,
    _sequence(),
    Column("delivery_id", String, nullable=False, index=True),
    Column("at", Float, nullable=False),
    Column("status", Integer),
    Column("error", String),
    Column("seconds", Float, nullable=False),
)

jobs = Table(
    "jobs",
    SCHEMA,
    _sequence(),
    Column("due_at", Float, nullable=False, index=True),
    Column("action", String, nullable=False),
    Column("document_id", String, nullable=False),
)

api_keys = Table(
    "api_keys",
    SCHEMA,
    _sequence(),
    Column("secret", String, nullable=False, unique=True),
    Column("id", String, nullable=False),
    Column("account", String, nullable=False),
    Column("scopes", String, nullable=False),
)

settings = Table("settings", SCHEMA, Column("name", String, primary_key=True), Column("value", Float, nullable=False))
