"""The inbox in Django's admin: filters, body, traceback, "run again", and closing by hand with a note."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from ...receiver.inbox.showing import date_in_utc, readable_body
from ...store.inbox import InboxEvent, UnknownEventError
from .journal_admin import JournalEntryAdmin
from .models import ClaimedEvent
from .store import DjangoStore

__all__ = ["ClaimedEventAdmin", "JournalEntryAdmin"]

_FIELDS: Final = (
    "event_id", "event_type", "object_id", "shown_state", "attempts", "seen", "next_attempt", "finished", "shown_body",
    "last_error", "note",
)  # fmt: skip

if TYPE_CHECKING:
    _Admin = admin.ModelAdmin[ClaimedEvent]
else:
    _Admin = admin.ModelAdmin


@admin.register(ClaimedEvent)
class ClaimedEventAdmin(_Admin):
    """Events that were received. What happened cannot be edited; writing a note closes an event that is not done."""

    list_display = ("event_id", "event_type", "shown_state", "attempts", "seen", "object_id")
    list_filter = ("state", "event_type")
    search_fields = ("=event_id", "=object_id")
    ordering = ("-touched",)
    show_full_result_count = False
    actions = ("run_again",)
    fields = _FIELDS

    def get_readonly_fields(self, request: HttpRequest, obj: ClaimedEvent | None = None) -> tuple[str, ...]:
        closed = obj is None or obj.done or obj.state is None
        return tuple(name for name in _FIELDS if closed or name != "note")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: ClaimedEvent | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: ClaimedEvent, form: Any, change: bool) -> None:
        """Close the event by hand, where a note was written."""
        if obj.note and obj.note.strip():
            _inbox(obj).resolve(obj.key, f"{obj.note} ({request.user})")

    @admin.action(description="Run again", permissions=["change"])
    def run_again(self, request: HttpRequest, queryset: QuerySet[ClaimedEvent]) -> None:
        """Have events that are not done run now."""
        due = 0
        for event in queryset:
            try:
                _inbox(event).retry(event.event_id)
                due += 1
            except UnknownEventError as error:
                self.message_user(request, str(error), messages.WARNING)
        self.message_user(request, f"{due} events are due now", messages.SUCCESS)

    @admin.display(description="state", ordering="state")
    def shown_state(self, event: ClaimedEvent) -> str:
        return event.state or ("done" if event.done else "claimed")

    @admin.display(description="first seen", ordering="first_seen")
    def seen(self, event: ClaimedEvent) -> str:
        return date_in_utc(event.first_seen or event.touched)

    @admin.display(description="next attempt", ordering="due")
    def next_attempt(self, event: ClaimedEvent) -> str:
        return "-" if event.due is None else date_in_utc(event.due)

    @admin.display(description="body")
    def shown_body(self, event: ClaimedEvent) -> str:
        """As JSON, with what is secret hidden."""
        return "-" if event.body is None else readable_body(_of(event))


def _inbox(event: ClaimedEvent) -> Any:
    return DjangoStore(event._state.db or "default").inbox


def _of(event: ClaimedEvent) -> InboxEvent:
    return _inbox(event).show(event.key)  # type: ignore[no-any-return]  # the inbox's own
