"""Make the table of the journal, or widen one that another store of the package has made in the same database."""

from typing import Any, ClassVar

from django.db import migrations, models

from molam_sdk.contrib.django.database import DjangoDatabase
from molam_sdk.store.database import ensure
from molam_sdk.store.entry_rows import ENTRIES


def make(apps: Any, schema_editor: Any) -> None:
    """As every store of a journal makes it; one that is newer already stays as it is."""
    ensure(DjangoDatabase(schema_editor.connection.alias), ENTRIES)


def drop(apps: Any, schema_editor: Any) -> None:
    """With it goes the knowledge of what was asked."""
    schema_editor.execute("DROP TABLE molam_journal")


class Migration(migrations.Migration):
    """The journal of calls."""

    dependencies: ClassVar = [("molam_webhooks", "0002_inbox")]

    operations: ClassVar = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunPython(make, drop)],
            state_operations=[
                migrations.CreateModel(
                    name="JournalEntry",
                    fields=[
                        ("key_hash", models.CharField(max_length=64, primary_key=True, serialize=False)),
                        ("idempotency_key", models.CharField(max_length=255)),
                        ("state", models.CharField(max_length=32)),
                        ("closed", models.BooleanField()),
                        ("outcome", models.CharField(max_length=32, null=True)),
                        ("operation", models.CharField(max_length=255)),
                        ("method", models.CharField(max_length=32)),
                        ("path", models.TextField()),
                        ("body", models.BinaryField(null=True)),
                        ("body_hash", models.CharField(max_length=64)),
                        ("base_url", models.TextField()),
                        ("account", models.CharField(max_length=32, null=True)),
                        ("actor", models.CharField(max_length=255, null=True)),
                        ("trace_id", models.CharField(max_length=255, null=True)),
                        ("first_used", models.FloatField()),
                        ("ended", models.FloatField(null=True)),
                        ("code", models.CharField(max_length=255, null=True)),
                        ("request_id", models.CharField(max_length=255, null=True)),
                        ("attempts", models.BigIntegerField()),
                        ("answer_status", models.BigIntegerField(null=True)),
                        ("answer_head", models.TextField(null=True)),
                        ("answer_body", models.BinaryField(null=True)),
                        ("token", models.CharField(max_length=32)),
                        ("lease_until", models.FloatField()),
                        ("note", models.TextField(null=True)),
                        ("object_key", models.CharField(max_length=64, null=True)),
                        ("heard", models.FloatField(null=True)),
                        ("seen", models.FloatField(null=True)),
                        ("undo_key", models.CharField(max_length=255, null=True)),
                        ("queued", models.FloatField(null=True)),
                        ("due", models.FloatField(null=True)),
                    ],
                    options={
                        "verbose_name": "journal entry",
                        "verbose_name_plural": "journal entries",
                        "db_table": "molam_journal",
                        "indexes": [
                            models.Index(fields=["closed", "first_used", "key_hash"], name="molam_journal_open"),
                            models.Index(fields=["object_key"], name="molam_journal_object"),
                            models.Index(fields=["due"], name="molam_journal_due"),
                        ],
                    },
                ),
            ],
        ),
    ]
