"""A store in the Django project's own database: the claim shares the transaction of the handlers."""

from __future__ import annotations

from contextlib import AbstractContextManager

from django.db import DEFAULT_DB_ALIAS, IntegrityError, transaction
from django.db.models import Max, QuerySet

from ...store.claims import Claim
from ...store.columns import hashed_id
from ...store.rows import EventRow, RowStore
from .models import ClaimedEvent

__all__ = ["DjangoStore"]


class DjangoStore(RowStore):
    """Claims in the table of the app ``molam_sdk.contrib.django``, in the database ``using``.

    Handlers run inside ``transaction.atomic(using)``, and the event is marked done in it: what they write and
    the mark are committed together or not at all, also when the worker is killed.
    """

    def __init__(self, using: str = DEFAULT_DB_ALIAS) -> None:
        self._using = using

    def done(self, claim: Claim, now: float) -> bool:
        return self._held_by(claim).update(done=True, touched=now) == 1

    def prune(self, before: float) -> int:
        return self._events.filter(touched__lt=before, lease_until__lt=before).delete()[0]

    def transaction(self) -> AbstractContextManager[None]:
        return transaction.atomic(using=self._using)

    @property
    def _events(self) -> QuerySet[ClaimedEvent]:
        return ClaimedEvent.objects.using(self._using)

    def _read_row(self, claim: Claim) -> tuple[EventRow | None, float | None]:
        held = self._events.filter(key=hashed_id(claim.event_id)).first()
        newest = None
        if claim.object_id is not None:
            of_object = self._events.filter(object_key=hashed_id(claim.object_id), done=True)
            newest = of_object.aggregate(newest=Max("created"))["newest"]
        if held is None:
            return None, newest
        return EventRow(held.token, held.done, held.lease_until, held.finished), newest

    def _insert_row(self, claim: Claim, now: float, lease_until: float) -> bool:
        try:
            # A savepoint, in case the caller has a transaction open: a refused insert must not spoil it.
            with transaction.atomic(using=self._using):
                self._events.create(
                    key=hashed_id(claim.event_id),
                    event_id=claim.event_id,
                    event_type=claim.event_type,
                    object_key="" if claim.object_id is None else hashed_id(claim.object_id),
                    created=claim.created,
                    token=claim.token,
                    lease_until=lease_until,
                    touched=now,
                )
        except IntegrityError:
            return False
        return True

    def _take_over_row(self, claim: Claim, now: float, lease_until: float, token: str) -> bool:
        key = hashed_id(claim.event_id)
        seen = self._events.filter(key=key, token=token, done=False, lease_until__lte=now)
        return seen.update(token=claim.token, lease_until=lease_until) == 1

    def _renew_row(self, claim: Claim, lease_until: float, finished: str) -> bool:
        return self._held_by(claim).update(lease_until=lease_until, finished=finished) == 1

    def _held_by(self, claim: Claim) -> QuerySet[ClaimedEvent]:
        return self._events.filter(key=hashed_id(claim.event_id), token=claim.token, done=False)
