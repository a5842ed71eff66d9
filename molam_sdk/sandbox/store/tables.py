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

# Every request with what was said both ways, the oldest dropped beyond a bound: for people, never for a decision.
request_log = Table(
    "request_log",
    SCHEMA,
    _sequence(),
    Column("at", Float, nullable=False),
    Column("request_id", String, nullable=False),
    Column("client_request_id", String),
    Column("trace", String),
    Column("scope", String),
    Column("method", String, nullable=False),
    Column("path", String, nullable=False),
    Column("operation", String),
    Column("account", String),
    Column("key_id", String),
    Column("idempotency_key", String),
    Column("order_id", String),
    Column("object_id", String),
    # None where a fault kept the answer back.
    Column("status", Integer),
    Column("code", String),
    Column("replayed", Boolean, nullable=False),
    Column("faults", Text),
    Column("ms", Float, nullable=False),
    Column("request_headers", Text),
    Column("request_body", Text),
    Column("answer_headers", Text),
    Column("answer_body", Text),
    Index("request_log_by_key", "idempotency_key"),
    Index("request_log_by_object", "object_id"),
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
    Index("ledger_by_object", "object_id"),
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
    Column("object_id", String),
    Column("trace", String),
    Column("scope", String),
    Index("events_by_object", "object_id"),
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
    # Which sending of it this is: an attempt under way writes nothing into a later one.
    Column("round", Integer, nullable=False, server_default="0"),
    Index("deliveries_due", "status", "due_at"),
    Index("deliveries_by_event", "event_id"),
    Index("deliveries_of_endpoint", "endpoint_id", "status", "due_at"),
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
    Column("signature", String),
    Column("body", Text),
    Column("answer", Text),
)

jobs = Table(
    "jobs",
    SCHEMA,
    _sequence(),
    Column("due_at", Float, nullable=False, index=True),
    Column("action", String, nullable=False),
    Column("document_id", String, nullable=False),
)

# Of a secret only its digest is kept, but for the main key, which the program prints again when it is started again.
api_keys = Table(
    "api_keys",
    SCHEMA,
    _sequence(),
    Column("digest", String, nullable=False, unique=True),
    Column("id", String, nullable=False),
    Column("account", String, nullable=False),
    Column("scopes", String, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("expires_at", Float),
    Column("revoked_at", Float),
    Column("rate", Float),
)

settings = Table("settings", SCHEMA, Column("name", String, primary_key=True), Column("value", Float, nullable=False))

texts = Table("texts", SCHEMA, Column("name", String, primary_key=True), Column("value", Text, nullable=False))
