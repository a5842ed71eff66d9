"""A Django project with its admin, in a process of its own: does what its arguments say and tells what came of it.

The tests' own project has no admin, and Django takes its settings once.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import django
from django.conf import settings
from django.core.management import call_command

_APPS = ["admin", "auth", "contenttypes", "sessions", "messages"]


def configured(file: str, urls: str = __name__) -> None:
    """A project in one SQLite file."""
    settings.configure(
        SECRET_KEY="only for tests",
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF=urls,
        INSTALLED_APPS=["molam_sdk.contrib.django", *(f"django.contrib.{name}" for name in _APPS)],
        MIDDLEWARE=[
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            "django.contrib.messages.middleware.MessageMiddleware",
        ],
        TEMPLATES=[
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "APP_DIRS": True,
                "OPTIONS": {
                    "context_processors": [
                        "django.template.context_processors.request",
                        "django.contrib.auth.context_processors.auth",
                        "django.contrib.messages.context_processors.messages",
                    ]
                },
            }
        ],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": file}},
        USE_TZ=True,
    )
    django.setup()
    call_command("migrate", verbosity=0)


def urlpatterns_of_admin() -> list[Any]:
    """Made when asked for: the admin cannot be imported before the settings."""
    from django.contrib import admin
    from django.urls import path

    return [path("admin/", admin.site.urls)]


def main(file: str) -> None:
    """Print, as JSON, what an operator sees and does."""
    configured(file)
    globals()["urlpatterns"] = urlpatterns_of_admin()
    from django.contrib.auth.models import User

    from molam_sdk.contrib.django.store import DjangoStore

    User.objects.create_superuser("ops", "ops@example.com", "word")
    inbox = DjangoStore().inbox
    fill(inbox)
    print(json.dumps(operate(inbox)))


def fill(inbox: Any) -> None:
    """One event that was given up, one that is closed, one that waits."""
    from molam_sdk.store.inbox import Arrival

    now = time.time()
    for name in ("evt_dead", "evt_done", "evt_waits"):
        body = json.dumps({"id": name, "card_number": "4242424242424242"}).encode()
        inbox.store(Arrival(name, "payment.succeeded", body, now), now)
        if name == "evt_dead":
            inbox.bury(inbox.take("t", now, 60), "t", now, error="ValueError: no order 7", finished=())
    inbox.resolve("evt_done", "by hand before", now)


def operate(inbox: Any) -> dict[str, Any]:
    """What the admin's pages show, and what becomes of what is done on them."""
    from django.test import Client
    from django.test.utils import setup_test_environment

    setup_test_environment()  # has responses keep what their pages were given
    client, listing = Client(), "/admin/molam_webhooks/claimedevent/"
    told: dict[str, Any] = {"a stranger": client.get(listing).status_code}
    client.login(username="ops", password="word")
    pages = {name: f"{listing}{inbox.show(name).key}/" for name in ("evt_dead", "evt_done", "evt_waits")}
    dead, done = (client.get(f"{pages[name]}change/").content.decode() for name in ("evt_dead", "evt_done"))
    told["listed"] = "evt_dead" in client.get(f"{listing}?state=dead").content.decode()
    told["shows the error"] = "ValueError: no order 7" in dead
    told["hides the card"] = "4242424242424242" not in dead and "card_number" in dead
    told["may note"] = 'name="note"' in dead
    told["may note what is over"] = 'name="note"' in done
    told["adding"] = client.get(f"{listing}add/").status_code
    told["deleting"] = client.post(f"{pages['evt_dead']}delete/", {"post": "yes"}).status_code
    chosen = [inbox.show(name).key for name in ("evt_dead", "evt_done")]
    ran = client.post(listing, {"action": "run_again", "_selected_action": chosen}, follow=True)
    told["run again says"] = [str(message) for message in ran.context["messages"]]
    told["state"] = {name: inbox.show(name).state for name in pages}
    client.post(f"{pages['evt_waits']}change/", {"note": "shipped by hand"})
    closed = inbox.show("evt_waits")
    told["closed"] = [closed.state, closed.note]
    return told


if __name__ == "__main__":
    # Under its own name, since Django imports the module of the URLs by it.
    from tests.support.webhooks import django_admin

    django_admin.main(*sys.argv[1:])
