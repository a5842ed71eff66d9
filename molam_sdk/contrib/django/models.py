"""The table in which webhook events are claimed."""

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
    object_key: models.Field[str, str] = models.CharField(max_length=64, blank=True)
    created: models.Field[float, float] = models.FloatField()
    token: models.Field[str, str] = models.CharField(max_length=32)
    lease_until: models.Field[float, float] = models.FloatField()
    done: models.Field[bool, bool] = models.BooleanField(default=False)
    finished: models.Field[str, str] = models.TextField(blank=True)
    touched: models.Field[float, float] = models.FloatField(db_index=True)

    class Meta:
        """The app's label, so that the table keeps its name wherever the package moves."""

        app_label = "molam_webhooks"
        indexes: ClassVar = [models.Index(fields=["object_key", "created"], name="molam_webhooks_object")]

    def __str__(self) -> str:
        return f"{self.event_type} {self.event_id}"
