"""Widen the table by what the inbox keeps; workers of the older version can go on writing to it."""

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from django.db import migrations, models

_NEW: Final[Mapping[str, Any]] = {
    "ahead": models.FloatField(null=True),
    "state": models.CharField(max_length=32, null=True),
    "object_id": models.CharField(max_length=255, null=True),
    "headers": models.TextField(null=True),
    "body": models.BinaryField(null=True),
    "first_seen": models.FloatField(null=True),
    "attempts": models.BigIntegerField(null=True),
    "due": models.FloatField(null=True, db_index=True),
    "last_error": models.TextField(null=True),
    "note": models.TextField(null=True),
    "occurrence": models.CharField(max_length=64, null=True, unique=True),
}


class Migration(migrations.Migration):
    """The second version of the table."""

    dependencies: ClassVar = [("molam_webhooks", "0001_initial")]

    operations: ClassVar = [
        *(migrations.AddField("claimedevent", name, field) for name, field in _NEW.items()),
        migrations.AlterField("claimedevent", "object_key", models.CharField(blank=True, max_length=64, null=True)),
        migrations.AddIndex("claimedevent", models.Index(fields=["state", "first_seen"], name="molam_webhooks_state")),
        migrations.AlterModelOptions("claimedevent", {"verbose_name": "webhook event"}),
    ]
