"""A Django project in this process, on a PostgreSQL schema or else a SQLite file of its own."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import django
from django.conf import settings
from django.core.management import call_command
from django.db import connections


def configure() -> None:
    """Settings once per process: Django takes them once."""
    if settings.configured:
        return
    folder = Path(tempfile.mkdtemp(prefix="molam-django-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    settings.configure(
        SECRET_KEY="only for tests",
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF="tests.support.webhooks.django_urls",
        INSTALLED_APPS=["molam_sdk.contrib.django"],
        MIDDLEWARE=["django.middleware.csrf.CsrfViewMiddleware"],
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.sqlite3",
                "NAME": folder / "project.sqlite3",
                "ATOMIC_REQUESTS": True,
                "OPTIONS": {"timeout": 30},
            }
        },
        USE_TZ=True,
    )
    django.setup()


@contextmanager
def migrated() -> Iterator[None]:
    """The project's tables, made by the migration and empty."""
    configure()
    call_command("migrate", verbosity=0)
    try:
        yield
    finally:
        from molam_sdk.contrib.django.models import ClaimedEvent

        ClaimedEvent.objects.all().delete()
        connections.close_all()
