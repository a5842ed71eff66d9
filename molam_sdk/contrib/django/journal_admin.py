"""The journal in Django's admin: filters, bodies without secrets, "recover", and closing by hand with a note."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any, Final

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest

from ..._journalling.looking import settled
from ...exceptions import MolamError
from ...journal.showing import as_facts, exported_time
from .models import JournalEntry
from .shop_client import shop_client, shop_journal

_FIELDS: Final = (
    "idempotency_key", "operation", "state", "outcome", "code", "attempts", "used", "finished", "account", "actor",
    "request_id", "trace_id", "shown_body", "shown_answer", "shown_note",
)  # fmt: skip
_BY_HAND: Final = ("reviewed", "review_note")
_HOURS: Final = {"1": "more than an hour", "23": "more than 23 hours", "168": "more than a week"}

if TYPE_CHECKING:
    _Admin = admin.ModelAdmin[JournalEntry]
    _Form = forms.ModelForm[JournalEntry]
else:
    _Admin, _Form = admin.ModelAdmin, forms.ModelForm


class OpenFilter(admin.SimpleListFilter):
    """What is queued, running, in doubt or for review; or the rest."""

    title, parameter_name = "open", "open"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "open only"), ("no", "ended only")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset if self.value() is None else queryset.filter(closed=self.value() == "no")


class AgeFilter(admin.SimpleListFilter):
    """How long ago a key was first used."""

    title, parameter_name = "age", "age"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return list(_HOURS.items())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        hours = self.value()
        return queryset.filter(first_used__lt=time.time() - 3600 * int(hours)) if hours in _HOURS else queryset


class ReviewForm(_Form):
    """What an operator found out about an entry that is open."""

    reviewed = forms.ChoiceField(
        required=False,
        label="mark as reviewed",
        choices=[("", "-"), ("done", "Molam carried it out"), ("refused", "it was never carried out")],
    )
    review_note = forms.CharField(required=False, label="note", help_text="how you know", max_length=1000)

    class Meta:
        """Nothing of the entry itself can be edited."""

        model = JournalEntry
        fields: tuple[str, ...] = ()

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if bool(given.get("reviewed")) != bool((given.get("review_note") or "").strip()):
            raise forms.ValidationError("say both what became of it and how you know")
        return given


@admin.register(JournalEntry)
class JournalEntryAdmin(_Admin):
    """What was asked of Molam, and what became of it. What happened cannot be edited."""

    form = ReviewForm
    list_display = ("idempotency_key", "operation", "state", "outcome", "code", "attempts", "used")
    list_filter = (OpenFilter, "state", "outcome", "operation", AgeFilter)
    search_fields = ("=idempotency_key", "=request_id", "=actor")
    ordering = ("closed", "-first_used", "key_hash")
    show_full_result_count = False
    actions = ("recover",)

    def get_fields(self, request: HttpRequest, obj: JournalEntry | None = None) -> tuple[str, ...]:
        return _FIELDS if obj is None or obj.closed else (*_FIELDS, *_BY_HAND)

    def get_readonly_fields(self, request: HttpRequest, obj: JournalEntry | None = None) -> tuple[str, ...]:
        return _FIELDS

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: JournalEntry | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: JournalEntry, form: Any, change: bool) -> None:
        """Close the entry by hand, where it was marked as reviewed."""
        found = form.cleaned_data
        if not found.get("reviewed"):
            return
        note = f"{found['review_note'].strip()} ({request.user})"

        def settle() -> None:
            try:
                with shop_journal(_using(obj)) as journal:
                    journal.settle(obj.idempotency_key, done=found["reviewed"] == "done", note=note)
            except MolamError as error:
                self.message_user(request, error.message, messages.WARNING)

        # The page has a transaction open, and what the journal writes is committed by itself.
        transaction.on_commit(settle, using=_using(obj))

    @admin.action(description="Recover", permissions=["change"])
    def recover(self, request: HttpRequest, queryset: QuerySet[JournalEntry]) -> None:
        """Find out what became of entries that are in doubt: ask again under the key, or look it up."""
        try:
            client = shop_client()
        except (MolamError, ImproperlyConfigured) as error:
            self.message_user(request, str(error), messages.ERROR)
            return
        for chosen in queryset:
            try:
                entry = settled(client, chosen.idempotency_key)
            except MolamError as error:
                self.message_user(request, error.message, messages.WARNING)
            else:
                state = "at another worker" if entry is None else entry.state
                self.message_user(request, f"{chosen.idempotency_key} is {state}", messages.SUCCESS)

    @admin.display(description="first used", ordering="first_used")
    def used(self, entry: JournalEntry) -> str:
        return exported_time(entry.first_used) or "-"

    @admin.display(description="ended", ordering="ended")
    def finished(self, entry: JournalEntry) -> str:
        return exported_time(entry.ended) or "-"

    @admin.display(description="body")
    def shown_body(self, entry: JournalEntry) -> str:
        """As JSON, with what is secret hidden."""
        return _fact(entry, "body")

    @admin.display(description="answer")
    def shown_answer(self, entry: JournalEntry) -> str:
        """As JSON, with what is secret hidden."""
        return _fact(entry, "answer")

    @admin.display(description="note so far")
    def shown_note(self, entry: JournalEntry) -> str:
        return _fact(entry, "note")


def _fact(entry: JournalEntry, name: str) -> str:
    try:
        with shop_journal(_using(entry)) as journal:
            found = journal.get(entry.idempotency_key)
    except Exception as error:  # noqa: BLE001  # a key that is missing, say: the page shows the rest
        return f"cannot be read: {error}"
    value = None if found is None else as_facts(found)[name]
    return "-" if value is None else value if isinstance(value, str) else json.dumps(value, indent=2)


def _using(entry: JournalEntry) -> str:
    return entry._state.db or "default"
