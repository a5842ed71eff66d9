"""The import paths of 0.1: each name is the very thing that stands in its room now."""

from __future__ import annotations

import importlib

import pytest


@pytest.mark.parametrize(
    ("old", "name", "new", "now_called"),
    [
        ("molam_sdk.contrib.webhooks", "WebhookReceiver", "molam_sdk.receiver", "WebhookReceiver"),
        ("molam_sdk.contrib.webhooks", "WebhookAnswer", "molam_sdk.receiver", "WebhookAnswer"),
        ("molam_sdk.contrib.webhooks", "Store", "molam_sdk.store", "Store"),
        ("molam_sdk.contrib.webhooks", "Claim", "molam_sdk.store", "Claim"),
        ("molam_sdk.contrib.webhooks", "Grant", "molam_sdk.store", "ClaimResult"),
        ("molam_sdk.contrib.webhooks", "MemoryStore", "molam_sdk.store", "MemoryStore"),
        ("molam_sdk.contrib.webhooks", "SqliteStore", "molam_sdk.store", "SqliteStore"),
        ("molam_sdk.contrib.redis", "RedisStore", "molam_sdk.store.redis", "RedisStore"),
        ("molam_sdk.contrib.sql", "SqlStore", "molam_sdk.store.sql", "SqlStore"),
        ("molam_sdk.contrib.sql", "events_table", "molam_sdk.store.sql", "events_table"),
    ],
)
def test_an_old_path_still_leads_there(old: str, name: str, new: str, now_called: str) -> None:
    assert getattr(importlib.import_module(old), name) is getattr(importlib.import_module(new), now_called)
