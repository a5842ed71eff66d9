"""From headers and body to an event that may run, or to what becomes of the delivery instead."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..exceptions import WebhookVerificationError
from ..webhooks import SecretSource, WebhookEvent, construct_event
from ..webhooks.signature import kids_in
from .answers import DeliveryResult, NotRunError
from .believed import BelievedKids, result_of_refusal
from .headers import DeliveryHeaders
from .lookups import InThread, SecretLookups

_SIGNATURE = "molam-signature"
_LONGEST_ID = 255
_LIVEMODES: dict[tuple[bool, bool], DeliveryResult] = {(True, False): "test_mode", (False, True): "live_mode"}


@dataclass(frozen=True, slots=True)
class _Refused:
    """A signature that did not hold, before it is known whose fault that is."""

    kids: Sequence[str]
    error: WebhookVerificationError


class Intake:
    """Verifies and reads. ``take`` blocks as long as the source of secrets does; ``take_awaited`` does not."""

    def __init__(
        self,
        secrets: SecretSource,
        *,
        tolerance_seconds: float,
        max_bytes: int,
        livemode: bool | None,
        clock: Callable[[], float],
    ) -> None:
        self.max_bytes = max_bytes
        self._tolerance, self._livemode, self._clock = tolerance_seconds, livemode, clock
        self._lookups = SecretLookups(secrets)
        self._believed = BelievedKids(secrets)

    def take(self, headers: DeliveryHeaders, body: bytes) -> WebhookEvent:
        """The event that Molam signed; ``NotRunError`` if there is none that may run."""
        kids = self._kids(headers, body)
        taken = self._verified(headers, body, kids, self._lookups.all(kids))
        if isinstance(taken, _Refused):
            raise self._judged(taken)
        return self._usable(taken)

    async def take_awaited(self, headers: DeliveryHeaders, body: bytes, in_thread: InThread) -> WebhookEvent:
        """As ``take``, with whatever asks for secrets in a thread."""
        kids = self._kids(headers, body)
        taken = self._verified(headers, body, kids, await self._lookups.all_awaited(kids, in_thread))
        if isinstance(taken, _Refused):
            raise self._judged(taken) if self._lookups.at_hand else await in_thread(self._judged, taken)
        return self._usable(taken)

    def knows_any_secret(self) -> bool:
        """Whether the source has a secret at all; a callable is asked for kid ``v1``."""
        return self._believed.knows_any((), self._lookups.one)

    def why_unreadable(self, headers: DeliveryHeaders) -> NotRunError | None:
        """What a request without its body is, if it is not one of Molam's whose body something took."""
        try:
            kids_in(headers.all(_SIGNATURE))
        except WebhookVerificationError as error:
            return NotRunError("invalid", str(error))
        return None

    def _kids(self, headers: DeliveryHeaders, body: bytes) -> Sequence[str]:
        """The kids of a delivery that may be one of Molam's: nothing is looked up for another."""
        if headers.content_length > self.max_bytes:
            raise NotRunError("invalid", f"Invalid JSON payload: the body has more than {self.max_bytes} bytes")
        # First whether it can be Molam's: a stranger's request is no sign that something takes bodies.
        try:
            kids = kids_in(headers.all(_SIGNATURE))
        except WebhookVerificationError as error:
            raise NotRunError("invalid", str(error)) from None
        reason = headers.why_not_raw(body)
        if reason is not None:
            raise NotRunError("hung_up" if headers.broke_off(body) else "unreadable", reason)
        return kids

    def _verified(
        self, headers: DeliveryHeaders, body: bytes, kids: Sequence[str], secrets: SecretSource
    ) -> WebhookEvent | _Refused:
        try:
            event = construct_event(
                body,
                headers.all(_SIGNATURE),
                secrets,
                self._tolerance,
                now=self._clock(),
                max_bytes=self.max_bytes,
            )
        except WebhookVerificationError as error:
            return _Refused(kids, error)
        self._believed.note(kids)
        return event

    def _judged(self, refused: _Refused) -> NotRunError:
        """Whose fault it is. May ask the source whether it knows anything."""
        kids, error = refused.kids, refused.error
        result = result_of_refusal(error.reason, lambda: self._believed.is_stranger(kids, self._lookups.one))
        judged = NotRunError(result, str(error))
        judged.__cause__ = error.__cause__
        return judged

    def _usable(self, event: WebhookEvent) -> WebhookEvent:
        usable = _is_name(event.id) and _is_name(event.type)
        if not usable:
            raise NotRunError("malformed", "Invalid JSON payload: the event has no usable id and type")
        if self._livemode is not None and event.livemode is not None:
            result = _LIVEMODES.get((self._livemode, event.livemode))
            if result is not None:
                raise NotRunError(result, f"livemode is {event.livemode}, the receiver's is {self._livemode}")
        return event


def _is_name(text: str) -> bool:
    # U+FFFD stands for what could not be read: two ids that differ only there are two events.
    return 0 < len(text) <= _LONGEST_ID and text.isprintable() and "\ufffd" not in text
