"""A Django project on PostgreSQL, in a process of its own: what a store does after its connection was terminated."""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import django
import psycopg
from django.conf import settings
from django.core.management import call_command


def main(schema: str) -> None:
    """Print, as JSON, what became of three claims: before, right after, and next after the termination."""
    settings.configure(
        SECRET_KEY="only for tests",
        INSTALLED_APPS=["molam_sdk.contrib.django"],
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.postgresql",
                "NAME": "test",
                "USER": "postgres",
                "HOST": "127.0.0.1",
                "OPTIONS": {"options": f"-c search_path={schema} -c application_name={schema}"},
            }
        },
        USE_TZ=True,
    )
    django.setup()
    call_command("migrate", verbosity=0)
    from molam_sdk.contrib.django.store import DjangoStore
    from molam_sdk.store import Claim

    store = DjangoStore()

    def claimed(event_id: str, *, skew: float = 0.0) -> Any:
        now = time.time() + skew
        try:
            return store.claim(Claim(event_id, "payment.succeeded", "t"), now, now + 45).decision
        except Exception as error:
            return type(error).__name__

    told = [claimed("evt_1"), claimed("evt_1", skew=60.0)]
    with psycopg.connect(host="127.0.0.1", user="postgres", dbname="test", autocommit=True) as admin:
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %s", (schema,)
        ).fetchall()
    told += [claimed("evt_2"), claimed("evt_2")]
    store.leave_thread()
    print(json.dumps(told))


if __name__ == "__main__":
    main(*sys.argv[1:])
