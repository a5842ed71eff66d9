"""The tables of the app: claimed webhook events, and the journal of calls."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class ClaimedEvent(models.Model):
    """An event that a worker has, or that is done. Times are Unix seconds.

    Keys are SHA-256 of ids: exact and of one length, whatever the database's collation takes for equal.
    """

    key: models.Field[str, str] = models.CharField(primary_key=True, max_length=64)
    event_id: models.Field[str, str] = models.CharField(max_length=255)
    event_type: models.Field[str, str] = models.CharField(max_length=255)
    object_key: models.Field[str | None, str | None] = models.CharField(max_length=64, blank=True, null=True)
    created: models.Field[float, float] = models.FloatField()
    token: models.Field[str, str] = models.CharField(max_length=32)
    lease_until: models.Field[float, float] = models.FloatField()
    done: models.Field[bool, bool] = models.BooleanField(default=False)
    finished: models.Field[str, str] = models.TextField(blank=True)
    touched: models.Field[float, float] = models.FloatField(db_index=True)
    ahead: models.Field[float | None, float | None] = models.FloatField(null=True)
    state: models.Field[str | None, str | None] = models.CharField(max_length=32, null=True)
    object_id: models.Field[str | None, str | None] = models.CharField(max_length=255, null=True)
    headers: models.Field[str | None, str | None] = models.TextField(null=True)
    body: models.Field[bytes | None, bytes | None] = models.BinaryField(null=True)
    first_seen: models.Field[float | None, float | None] = models.FloatField(null=True)
    attempts: models.Field[int | None, int | None] = models.BigIntegerField(null=True)
    due: models.Field[float | None, float | None] = models.FloatField(null=True, db_index=True)
    last_error: models.Field[str | None, str | None] = models.TextField(null=True)
    note: models.Field[str | None, str | None] = models.TextField(null=True)
    occurrence: models.Field[str | None, str | None] = models.CharField(max_length=64, null=True, unique=True)

    class Meta:
        """The app's label, so that the table keeps its name wherever the package moves."""

        app_label = "molam_webhooks"
        verbose_name = "webhook event"
        indexes: ClassVar = [
            models.Index(fields=["object_key", "created"], name="molam_webhooks_object"),
            models.Index(fields=["state", "first_seen"], name="molam_webhooks_state"),
        ]

    def __str__(self) -> str:
        return f"{self.event_type} {self.event_id}"


class JournalEntry(models.Model):
    """What was asked of Molam under an idempotency key, and what became of it. Times are Unix seconds.

    Read it through ``client.journal``, which knows how bodies are encrypted; nothing is changed through this model.
    """

    key_hash: models.Field[str, str] = models.CharField(primary_key=True, max_length=64)
    idempotency_key: models.Field[str, str] = models.CharField(max_length=255)
    state: models.Field[str, str] = models.CharField(max_length=32)
    closed: models.Field[bool, bool] = models.BooleanField()
    outcome: models.Field[str | None, str | None] = models.CharField(max_length=32, null=True)
    operation: models.Field[str, str] = models.CharField(max_length=255)
    method: models.Field[str, str] = models.CharField(max_length=32)
    path: models.Field[str, str] = models.TextField()
    body: models.Field[bytes | None, bytes | None] = models.BinaryField(null=True)
    body_hash: models.Field[str, str] = models.CharField(max_length=64)
    base_url: models.Field[str, str] = models.TextField()
    account: models.Field[str | None, str | None] = models.CharField(max_length=32, null=True)
    actor: models.Field[str | None, str | None] = models.CharField(max_length=255, null=True)
    trace_id: models.Field[str | None, str | None] = models.CharField(max_length=255, null=True)
    first_used: models.Field[float, float] = models.FloatField()
    ended: models.Field[float | None, float | None] = models.FloatField(null=True)
    code: models.Field[str | None, str | None] = models.CharField(max_length=255, null=True)
    request_id: models.Field[str | None, str | None] = models.CharField(max_length=255, null=True)
    attempts: models.Field[int, int] = models.BigIntegerField()
    answer_status: models.Field[int | None, int | None] = models.BigIntegerField(null=True)
    answer_head: models.Field[str | None, str | None] = models.TextField(null=True)
    answer_body: models.Field[bytes | None, bytes | None] = models.BinaryField(null=True)
    token: models.Field[str, str] = models.CharField(max_length=32)
    lease_until: models.Field[float, float] = models.FloatField()
    note: models.Field[str | None, str | None] = models.TextField(null=True)
    object_key: models.Field[str | None, str | None] = models.CharField(max_length=64, null=True)
    heard: models.Field[float | None, float | None] = models.FloatField(null=True)
    seen: models.Field[float | None, float | None] = models.FloatField(null=True)
    undo_key: models.Field[str | None, str | None] = models.CharField(max_length=255, null=True)
    queued: models.Field[float | None, float | None] = models.FloatField(null=True)
    due: models.Field[float | None, float | None] = models.FloatField(null=True)

    class Meta:
        """The table and its indexes by the names that every store of a journal gives them."""

        app_label = "molam_webhooks"
        db_table = "molam_journal"
        verbose_name = "journal entry"
        verbose_name_plural = "journal entries"
        indexes: ClassVar = [
            models.Index(fields=["closed", "first_used", "key_hash"], name="molam_journal_open"),
            models.Index(fields=["object_key"], name="molam_journal_object"),
            models.Index(fields=["due"], name="molam_journal_due"),
        ]

    def __str__(self) -> str:
        return f"{self.operation} {self.idempotency_key}"
