"""The steps that make the tables, as they were written once: never changed afterwards, only added to."""

import hashlib
from collections.abc import Callable

from sqlalchemy import Connection, text

_TABLES = """
CREATE TABLE documents (seq INTEGER NOT NULL PRIMARY KEY, id VARCHAR NOT NULL UNIQUE, kind VARCHAR NOT NULL,
    account VARCHAR NOT NULL, status VARCHAR NOT NULL, owner VARCHAR, amount INTEGER, body TEXT NOT NULL);
CREATE INDEX documents_by_kind ON documents (kind, account, seq);
CREATE INDEX documents_by_owner ON documents (owner);
CREATE TABLE requests (seq INTEGER NOT NULL PRIMARY KEY, at FLOAT NOT NULL, request_id VARCHAR NOT NULL,
    account VARCHAR NOT NULL, key_id VARCHAR NOT NULL, operation VARCHAR NOT NULL, path VARCHAR NOT NULL,
    idempotency_key VARCHAR, fingerprint VARCHAR, status INTEGER NOT NULL, answer TEXT, object_id VARCHAR,
    order_id VARCHAR, executed BOOLEAN NOT NULL, replayable BOOLEAN NOT NULL);
CREATE INDEX requests_by_key ON requests (idempotency_key);
CREATE INDEX requests_by_order ON requests (order_id);
CREATE TABLE ledger (seq INTEGER NOT NULL PRIMARY KEY, at FLOAT NOT NULL, movement VARCHAR NOT NULL,
    ledger_account VARCHAR NOT NULL, currency VARCHAR NOT NULL, amount INTEGER NOT NULL, why VARCHAR NOT NULL,
    object_id VARCHAR NOT NULL, order_id VARCHAR, idempotency_key VARCHAR);
CREATE INDEX ledger_by_order ON ledger (order_id);
CREATE TABLE events (seq INTEGER NOT NULL PRIMARY KEY, id VARCHAR NOT NULL UNIQUE, account VARCHAR NOT NULL,
    type VARCHAR NOT NULL, at FLOAT NOT NULL, body TEXT NOT NULL);
CREATE TABLE deliveries (seq INTEGER NOT NULL PRIMARY KEY, id VARCHAR NOT NULL UNIQUE, event_id VARCHAR NOT NULL,
    endpoint_id VARCHAR NOT NULL, status VARCHAR NOT NULL, attempts INTEGER NOT NULL, due_at FLOAT NOT NULL);
CREATE INDEX deliveries_due ON deliveries (status, due_at);
CREATE TABLE attempts (seq INTEGER NOT NULL PRIMARY KEY, delivery_id VARCHAR NOT NULL, at FLOAT NOT NULL,
    status INTEGER, error VARCHAR, seconds FLOAT NOT NULL);
CREATE INDEX ix_attempts_delivery_id ON attempts (delivery_id);
CREATE TABLE jobs (seq INTEGER NOT NULL PRIMARY KEY, due_at FLOAT NOT NULL, action VARCHAR NOT NULL,
    document_id VARCHAR NOT NULL);
CREATE INDEX ix_jobs_due_at ON jobs (due_at);
CREATE TABLE api_keys (seq INTEGER NOT NULL PRIMARY KEY, secret VARCHAR NOT NULL UNIQUE, id VARCHAR NOT NULL,
    account VARCHAR NOT NULL, scopes VARCHAR NOT NULL);
CREATE TABLE settings (name VARCHAR NOT NULL PRIMARY KEY, value FLOAT NOT NULL)
"""

_HISTORY = """
CREATE TRIGGER {table}_no_{change} BEFORE {change} ON {table}
    BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END
"""

_LOG_AND_DISPUTES = """
CREATE TABLE texts (name VARCHAR NOT NULL PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE request_log (seq INTEGER NOT NULL PRIMARY KEY, at FLOAT NOT NULL, request_id VARCHAR NOT NULL,
    client_request_id VARCHAR, trace VARCHAR, scope VARCHAR, method VARCHAR NOT NULL, path VARCHAR NOT NULL,
    operation VARCHAR, account VARCHAR, key_id VARCHAR, idempotency_key VARCHAR, order_id VARCHAR, object_id VARCHAR,
    status INTEGER, code VARCHAR, replayed BOOLEAN NOT NULL, faults TEXT, ms FLOAT NOT NULL, request_headers TEXT,
    request_body TEXT, answer_headers TEXT, answer_body TEXT);
CREATE INDEX request_log_by_key ON request_log (idempotency_key);
CREATE INDEX request_log_by_object ON request_log (object_id);
ALTER TABLE events ADD COLUMN object_id VARCHAR;
ALTER TABLE events ADD COLUMN trace VARCHAR;
ALTER TABLE events ADD COLUMN scope VARCHAR;
CREATE INDEX events_by_object ON events (object_id);
ALTER TABLE deliveries ADD COLUMN round INTEGER NOT NULL DEFAULT 0;
CREATE INDEX deliveries_by_event ON deliveries (event_id);
CREATE INDEX deliveries_of_endpoint ON deliveries (endpoint_id, status, due_at);
ALTER TABLE attempts ADD COLUMN signature VARCHAR;
ALTER TABLE attempts ADD COLUMN body TEXT;
ALTER TABLE attempts ADD COLUMN answer TEXT;
CREATE INDEX ledger_by_object ON ledger (object_id);
ALTER TABLE api_keys RENAME TO old_api_keys;
CREATE TABLE api_keys (seq INTEGER NOT NULL PRIMARY KEY, digest VARCHAR NOT NULL UNIQUE, id VARCHAR NOT NULL,
    account VARCHAR NOT NULL, scopes VARCHAR NOT NULL, created_at FLOAT NOT NULL, expires_at FLOAT, revoked_at FLOAT,
    rate FLOAT);
"""


def _run(connection: Connection, script: str) -> None:
    for statement in filter(str.strip, script.split(";\n")):
        connection.exec_driver_sql(statement)


def _create_tables(connection: Connection) -> None:
    # A file of 0.1.0 that was cut off between its first two steps has them already.
    if not connection.execute(text("SELECT 1 FROM sqlite_master WHERE name = 'documents'")).all():
        _run(connection, _TABLES)


def _forbid_changes_to_history(connection: Connection) -> None:
    for table in ("ledger", "requests", "events"):
        for change in ("update", "delete"):
            connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {table}_no_{change}")
            connection.exec_driver_sql(_HISTORY.format(table=table, change=change))


def _log_and_keep_secrets_as_digests(connection: Connection) -> None:
    """The request log, what the console shows of deliveries, and of a key's secret its digest alone.

    The first key of an old file is its main key, which is printed at every start: that one stays readable.
    """
    _run(connection, _LOG_AND_DISPUTES)
    old = connection.execute(text("SELECT seq, secret, id, account, scopes FROM old_api_keys ORDER BY seq")).all()
    for seq, secret, key_id, account, scopes in old:
        row = {"s": seq, "d": hashlib.sha256(secret.encode()).hexdigest(), "i": key_id, "a": account, "c": scopes}
        connection.execute(
            text("INSERT INTO api_keys VALUES (:s, :d, :i, :a, :c, 0, NULL, NULL, NULL)"),
            row,
        )
    if old:
        connection.execute(text("INSERT INTO texts VALUES ('main_key', :secret)"), {"secret": old[0][1]})
    connection.exec_driver_sql("DROP TABLE old_api_keys")


STEPS: tuple[Callable[[Connection], None], ...] = (
    _create_tables,
    _forbid_changes_to_history,
    _log_and_keep_secrets_as_digests,
)
