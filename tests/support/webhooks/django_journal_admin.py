"""The journal in Django's admin, in a process of its own: does what an operator does, and tells what came of it."""

from __future__ import annotations

import contextlib
import json
import sys
from typing import Any

from tests.support.webhooks.django_admin import configured, urlpatterns_of_admin
from tests.support.webhooks.django_journal import client as shop_client

CARD = "4242424242424242"


def client() -> Any:
    """The shop's client, as ``MOLAM_CLIENT`` names it: whatever it asks is answered."""
    return shop_client()


def main(file: str) -> None:
    """Print, as JSON, what an operator sees and does."""
    configured(file, __name__)
    globals()["urlpatterns"] = urlpatterns_of_admin()
    from django.conf import settings
    from django.contrib.auth.models import User

    settings.MOLAM_CLIENT = f"{__name__}.client"
    User.objects.create_superuser("ops", "ops@example.com", "word")
    fill()
    print(json.dumps(operate()))


def fill() -> None:
    """One that is done, one in doubt, one for review, one that waits."""
    from django.db import transaction

    from molam_sdk import MolamError
    from molam_sdk.contrib.django.models import JournalEntry
    from tests.support.script import OK, TIMEOUT

    order = {"amount": "100.50", "currency": "USD", "metadata": {"note": CARD}}
    for key, answer in (("done", OK), ("doubt", TIMEOUT), ("review", TIMEOUT)):
        with contextlib.suppress(MolamError):
            shop_client(answer).create_payment_intent(order, idempotency_key=key)
    JournalEntry.objects.filter(idempotency_key="review").update(first_used=1e9)
    shop = shop_client()
    with transaction.atomic():
        shop.journal.enqueue(shop.create_payment_intent, order, idempotency_key="waits")


def operate() -> dict[str, Any]:
    from django.test import Client
    from django.test.utils import setup_test_environment

    from molam_sdk.contrib.django.models import JournalEntry

    setup_test_environment()  # has responses keep what their pages were given
    browser, listing = Client(), "/admin/molam_webhooks/journalentry/"
    told: dict[str, Any] = {"a stranger": browser.get(listing).status_code}
    browser.login(username="ops", password="word")
    hashes = dict(JournalEntry.objects.values_list("idempotency_key", "key_hash"))

    def listed(query: str) -> list[str]:
        return sorted(entry.idempotency_key for entry in browser.get(f"{listing}?{query}").context["cl"].result_list)

    def page(key: str) -> str:
        return browser.get(f"{listing}{hashes[key]}/change/").content.decode()

    def chosen(*keys: str) -> list[str]:
        ran = browser.post(
            listing, {"action": "recover", "_selected_action": [hashes[key] for key in keys]}, follow=True
        )
        return [str(message) for message in ran.context["messages"]]

    told["filters"] = [listed("open=yes"), listed("open=no"), listed("state=queued"), listed("age=23")]
    told["outcomes"] = [listed("outcome=unknown"), listed("operation=create_payment_intent")]
    told["shows"] = ["&quot;amount&quot;: 100.5" in page("done"), CARD in page("done"), "pi_1" in page("done")]
    told["may review"] = ['name="reviewed"' in page(key) for key in ("done", "doubt")]
    told["adding"] = browser.get(f"{listing}add/").status_code
    told["deleting"] = browser.post(f"{listing}{hashes['done']}/delete/", {"post": "yes"}).status_code
    told["recover says"] = chosen("done", "doubt", "review")
    half = browser.post(f"{listing}{hashes['review']}/change/", {"reviewed": "done", "review_note": " "})
    told["half a review"] = "say both" in half.content.decode()
    for key, became, note in (("review", "done", "pi_9 in the dashboard"), ("waits", "refused", "went away")):
        browser.post(f"{listing}{hashes[key]}/change/", {"reviewed": became, "review_note": note})
    told["states"] = dict(JournalEntry.objects.values_list("idempotency_key", "state"))
    told["note"] = JournalEntry.objects.get(idempotency_key="review").note
    return told


if __name__ == "__main__":
    # Under its own name, since Django imports the module of the URLs and the client by it.
    from tests.support.webhooks import django_journal_admin

    django_journal_admin.main(*sys.argv[1:])
