"""The request log: every request with what was said both ways, for people; the oldest are dropped beyond a bound.

What decides (idempotency, executions, the audit trail) is the table `requests`, which is written with the work itself
and is never cut. The log is written a moment later, many rows at once, so that it costs a request next to nothing: a
process that is killed may lose its last quarter of a second.
"""

import asyncio
import json
import threading
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Executable, Select, func, or_, select

from . import tables as t
from .database import SandboxStore

LOG_LIMIT = 10_000
BODY_KEPT = 16_384
_WAIT_SECONDS = 0.25
_AT_ONCE = 500
_c = t.request_log.c
_BRIEF = [column for column in _c if not column.name.endswith(("headers", "body"))]
_SEARCHED = ("request_id", "client_request_id", "idempotency_key", "order_id", "object_id")
_FILTERS = ("idempotency_key", "operation", "scope", "object_id", "order_id", "account", "method", "status")


class RequestLog:
    """The log of one sandbox; `add` is for its event loop, the rest for any thread."""

    def __init__(self, store: SandboxStore, limit: int = LOG_LIMIT) -> None:
        self._store, self._limit = store, limit
        self._waiting: list[dict[str, Any]] = []
        self._lock = threading.Lock()
        self._timer: asyncio.TimerHandle | None = None

    def add(self, row: dict[str, Any]) -> None:
        """Keep a request; it is written with others, within a quarter of a second."""
        self._waiting.append(row)
        if len(self._waiting) >= _AT_ONCE:
            self.flush()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_WAIT_SECONDS, self._on_time)

    def _on_time(self) -> None:
        self._timer = None
        self.flush()

    def flush(self) -> None:
        """Write what waits, and drop what is beyond the bound."""
        with self._lock:
            rows, self._waiting = self._waiting, []
            if not rows:
                return
            with self._store.transaction() as tx:
                tx.connection.execute(t.request_log.insert(), rows)
                newest = tx.connection.execute(select(func.max(_c.seq))).scalar_one()
                tx.connection.execute(t.request_log.delete().where(_c.seq <= newest - self._limit))

    def stop(self) -> None:
        """Write what waits and leave the event loop alone."""
        if self._timer is not None:
            self._timer.cancel()
        self.flush()

    def page(
        self, *, before: int | None = None, limit: int = 50, search: str | None = None, **equal: str | None
    ) -> list[dict[str, Any]]:
        """The requests, newest first, without headers and bodies; `before` is the `seq` of the last one seen.

        `search` finds an id, order or key that it begins; `equal` filters by column. `attempt` and `attempts` say the
        how many-th of its idempotency key a request is, and of how many.
        """
        query = select(*_BRIEF).order_by(_c.seq.desc()).limit(limit)
        if before is not None:
            query = query.where(_c.seq < before)
        if search:
            query = query.where(or_(*(_c[name].startswith(search, autoescape=True) for name in _SEARCHED)))
        rows = self._rows(_filtered(query, equal))
        of_key = self._attempts({row["idempotency_key"] for row in rows if row["idempotency_key"]})
        for row in rows:
            attempts = of_key.get((row["account"], row["idempotency_key"]), [])
            row["attempts"] = len(attempts)
            row["attempt"] = attempts.index(row["seq"]) + 1 if row["seq"] in attempts else 0
        return rows

    def _attempts(self, keys: set[str]) -> dict[tuple[str, str], list[int]]:
        found: dict[tuple[str, str], list[int]] = {}
        columns = [_c[name] for name in ("account", "idempotency_key", "seq")]
        query = select(*columns).where(_c.idempotency_key.in_(keys)).order_by(_c.seq)
        for row in self._rows(query) if keys else ():
            found.setdefault((row["account"], row["idempotency_key"]), []).append(row["seq"])
        return found

    def entry(self, request_id: str) -> dict[str, Any]:
        """One request with its headers and bodies; raises KeyError."""
        found = self._rows(select(t.request_log).where(_c.request_id == request_id))
        if not found:
            raise KeyError(request_id)
        return found[0]

    def export(self) -> Iterator[str]:
        """Every request kept, oldest first, each as a line of JSON."""
        after = 0
        while rows := self._rows(select(t.request_log).where(_c.seq > after).order_by(_c.seq).limit(200)):
            after = rows[-1]["seq"]
            yield "".join(json.dumps(row) + "\n" for row in rows)

    def clear(self) -> None:
        """Forget every request."""
        self.flush()
        with self._store.transaction() as tx:
            tx.connection.execute(t.request_log.delete())

    def _rows(self, query: Executable) -> list[dict[str, Any]]:
        self.flush()
        with self._store.transaction() as tx:
            return [{**row, "faults": json.loads(row["faults"]) if row.get("faults") else []} for row in tx.rows(query)]


def _filtered(query: Select[Any], equal: dict[str, str | None]) -> Select[Any]:
    unknown = equal.keys() - {*_FILTERS}
    if unknown:
        raise ValueError(f"{min(unknown)}: no filter of the request log; there are {', '.join(_FILTERS)}")
    for name, value in equal.items():
        if value is not None:
            query = query.where(_c[name] == (int(value) if name == "status" else value))
    return query
