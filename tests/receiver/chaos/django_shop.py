"""The shop of the run as a Django project on PostgreSQL: settings, tables, and the receiver behind real views."""

from __future__ import annotations

import logging
import sys
from typing import Any, Final

from molam_sdk.receiver import WebhookReceiver

PREFIX: Final = "django+"
DJANGO_TABLE: Final = "molam_webhooks_claimedevent"


def configure(url: str) -> None:
    """Settings for the database at a URL of SQLAlchemy's, once per process."""
    import django
    from django.conf import settings
    from sqlalchemy import make_url

    address = make_url(url.removeprefix(PREFIX))
    settings.configure(
        SECRET_KEY="only for tests",
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF=__name__,
        INSTALLED_APPS=["molam_sdk.contrib.django"],
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.postgresql",
                "NAME": address.database,
                "USER": address.username,
                "HOST": address.host,
                "PORT": address.port,
            }
        },
        LOGGING_CONFIG=None,
        USE_TZ=True,
    )
    django.setup()
    logging.getLogger("django.request").setLevel(logging.CRITICAL)


def application(receiver: WebhookReceiver, *, awaited: bool) -> Any:
    """The project under WSGI, or under ASGI."""
    from django.core.asgi import get_asgi_application
    from django.core.wsgi import get_wsgi_application

    from molam_sdk.contrib.django.views import webhook_path

    globals()["urlpatterns"] = [webhook_path(receiver, "", use_async=awaited)]
    return get_asgi_application() if awaited else get_wsgi_application()


if __name__ == "__main__":
    configure(sys.argv[1])
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
