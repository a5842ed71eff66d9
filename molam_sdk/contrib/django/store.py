"""A dedupe store in the Django project's own database: the claim shares the transaction of the handlers."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager

from django.db import DEFAULT_DB_ALIAS, IntegrityError, transaction
from django.db.models import Max, QuerySet

from .._claims import Claim, Grant, Record, decide, key_of, pack, unpack
from .models import ClaimedEvent

__all__ = ["DjangoStore"]


class DjangoStore:
    """Claims in the table of the app ``molam_sdk.contrib.django``, in the database ``using``.

    Handlers run inside ``transaction.atomic(using)``, and the event is marked done in it: what they write and
    the mark are committed together or not at all, also when the worker is killed.
    """

    transactional = True

    def __init__(self, using: str = DEFAULT_DB_ALIAS) -> None:
        self._using = using

    def claim(self, claim: Claim, now: float, lease_until: float) -> Grant:
        grant, token = self._look(claim, now)
        if grant.verdict != "run" or self._take(claim, now, lease_until, token):
            return grant
        # Another worker was faster between the look and the take.
        again, _ = self._look(claim, now)
        return Grant("busy", retry_after=1.0) if again.verdict == "run" else again

    def renew(self, claim: Claim, lease_until: float, finished: Sequence[str]) -> bool:
        return self._held_by(claim).update(lease_until=lease_until, finished=pack(finished)) == 1

    def done(self, claim: Claim, now: float) -> bool:
        return self._held_by(claim).update(done=True, touched=now) == 1

    def prune(self, before: float) -> int:
        return self._events.filter(touched__lt=before, lease_until__lt=before).delete()[0]

    def transaction(self) -> AbstractContextManager[None]:
        return transaction.atomic(using=self._using)

    @property
    def _events(self) -> QuerySet[ClaimedEvent]:
        return ClaimedEvent.objects.using(self._using)

    def _look(self, claim: Claim, now: float) -> tuple[Grant, str | None]:
        """What the rule says of the event as it stands, and the token that stands there."""
        held = self._events.filter(key=key_of(claim.event_id)).first()
        newest = None
        if claim.object_id is not None:
            of_object = self._events.filter(object_key=key_of(claim.object_id), done=True)
            newest = of_object.aggregate(newest=Max("created"))["newest"]
        if held is None:
            return decide(claim, None, newest, now), None
        return decide(claim, Record(held.done, held.lease_until, unpack(held.finished)), newest, now), held.token

    def _take(self, claim: Claim, now: float, lease_until: float, token: str | None) -> bool:
        """Whether this worker got the event: by a row of its own, or by replacing the token that was seen."""
        if token is not None:
            seen = self._events.filter(key=key_of(claim.event_id), token=token, done=False, lease_until__lte=now)
            return seen.update(token=claim.token, lease_until=lease_until) == 1
        try:
            # A savepoint, in case the caller has a transaction open: a refused insert must not spoil it.
            with transaction.atomic(using=self._using):
                self._events.create(
                    key=key_of(claim.event_id),
                    event_id=claim.event_id,
                    event_type=claim.event_type,
                    object_key="" if claim.object_id is None else key_of(claim.object_id),
                    created=claim.created,
                    token=claim.token,
                    lease_until=lease_until,
                    touched=now,
                )
        except IntegrityError:
            return False
        return True

    def _held_by(self, claim: Claim) -> QuerySet[ClaimedEvent]:
        return self._events.filter(key=key_of(claim.event_id), token=claim.token, done=False)
