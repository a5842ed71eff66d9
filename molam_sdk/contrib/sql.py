"""``SqlStore`` under the path it had in 0.1; it stands in ``molam_sdk.store.sql``."""

from __future__ import annotations

from ..store.sql import SqlStore, events_table

__all__ = ["SqlStore", "events_table"]
