"""Make the table of claimed events."""

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    """The first version of the table."""

    initial = True

    operations: ClassVar = [
        migrations.CreateModel(
            name="ClaimedEvent",
            fields=[
                ("key", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("event_id", models.CharField(max_length=255)),
                ("event_type", models.CharField(max_length=255)),
                ("object_key", models.CharField(blank=True, max_length=64)),
                ("created", models.FloatField()),
                ("token", models.CharField(max_length=32)),
                ("lease_until", models.FloatField()),
                ("done", models.BooleanField(default=False)),
                ("finished", models.TextField(blank=True)),
                ("touched", models.FloatField(db_index=True)),
            ],
            options={
                "indexes": [models.Index(fields=["object_key", "created"], name="molam_webhooks_object")],
            },
        ),
    ]
