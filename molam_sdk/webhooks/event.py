"""A webhook's body as a typed event that still reads like the dict it is."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any, ClassVar, Final, TypeAlias, get_args

from pydantic import ValidationError
from pydantic_core import from_json
from typing_extensions import Self

from .._frames import empty_frames
from .._params import DisputeEventType, PaymentEventType, PayoutEventType, RefundEventType
from ..exceptions import WebhookVerificationError
from ..models import Answer, PaymentIntent, Payout, Refund
from .json_body import read_leniently
from .refusal import refused
from .secrets import SecretSource
from .signature import MAX_PAYLOAD_BYTES, Payload, SignatureHeader, verified_body

__all__ = [
    "AnyWebhookEvent",
    "DisputeEvent",
    "DisputeEventType",
    "PaymentEvent",
    "PaymentEventType",
    "PayoutEvent",
    "PayoutEventType",
    "RefundEvent",
    "RefundEventType",
    "UnknownEvent",
    "WebhookEvent",
    "canonical_type",
    "construct_event",
    "parse_event",
]

_MOST_SECONDS: Final = 1e11
# The longer names that some of Molam's services send.
_LONG_FORMS: Final = (("payment.intent.", "payment."), ("payment.refund.", "refund."))


def canonical_type(event_type: str) -> str:
    """The short name of an event type: ``payment.intent.succeeded`` is ``payment.succeeded``."""
    for long, short in _LONG_FORMS:
        if event_type.startswith(long):
            return short + event_type[len(long) :]
    return event_type


class WebhookEvent(dict[str, Any]):
    """An event: the dict that was sent (``event["data"]["amount"]``), with typed attributes beside it.

    ``data`` is a model where the type is known: a type checker knows which after ``isinstance`` or ``match`` on
    the classes below this one (pyright also after ``event.type == "payment.succeeded"``). An event without an
    id or a type has an empty one. ``late`` is set by a receiver that keeps the order: a newer event of the same
    object was handled before this one.
    """

    __slots__ = ("_model", "_type", "id", "late")

    _data_model: ClassVar[type[Answer] | None] = None

    def __init__(self, body: Mapping[str, Any]) -> None:
        super().__init__(body)
        event_id, event_type = body.get("id"), body.get("type")
        self.id: str = event_id if isinstance(event_id, str) else ""
        self._type: Any = event_type if isinstance(event_type, str) else ""
        self._model: Answer | None = None
        self.late = False

    @property
    def type(self) -> str:
        """What happened, as it was sent."""
        name: str = self._type
        return name

    @property
    def data(self) -> Any:
        """The object that the event is about, as it was when the event was made."""
        model = self._data_model
        if model is None:
            return self.get("data") if self._model is None else self._model
        # Made when asked for: most handlers that only look at the id never pay for it.
        if self._model is None:
            try:
                self._model = model.model_validate(self.get("data"))
            except ValidationError as error:
                refusal = _unreadable(self.type, model, error)  # and not from it, which repeats what was sent
            else:
                return self._model
            del self
            raise refusal
        return self._model

    @property
    def created(self) -> datetime | None:
        """When it happened, with its zone; None where the event does not say."""
        return _moment(self.get("created"))

    @property
    def livemode(self) -> bool | None:
        """Whether real money moved; None where the event does not say."""
        mode = self.get("livemode")
        return mode if isinstance(mode, bool) else None

    @property
    def synthetic(self) -> bool:
        """Whether Molam never sent it: a backfill made it from the object, whose present state ``data`` is."""
        return self.get("synthetic") is True

    @property
    def object_id(self) -> str | None:
        """The id of the payment, refund, payout or dispute, or None."""
        data = self.get("data")
        found = data.get("id") if isinstance(data, dict) else None
        return found if isinstance(found, str) and found else None

    def with_data(self, latest: Answer) -> Self:
        """The same event whose ``data`` is the object as it is now; ``event["data"]`` stays what was sent."""
        renewed = type(self)(self)
        renewed._model, renewed.late = latest, self.late
        return renewed


class PaymentEvent(WebhookEvent):
    """Something happened to a payment."""

    __slots__ = ()
    _data_model = PaymentIntent

    @property
    def type(self) -> PaymentEventType:
        """What happened, as it was sent."""
        name: PaymentEventType = self._type
        return name

    @property
    def data(self) -> PaymentIntent:
        """The payment as it was then. ``WebhookVerificationError`` if what was sent is no payment."""
        payment: PaymentIntent = super().data
        return payment


class RefundEvent(WebhookEvent):
    """Something happened to a refund."""

    __slots__ = ()
    _data_model = Refund

    @property
    def type(self) -> RefundEventType:
        """What happened, as it was sent."""
        name: RefundEventType = self._type
        return name

    @property
    def data(self) -> Refund:
        """The refund as it was then. ``WebhookVerificationError`` if what was sent is no refund."""
        refund: Refund = super().data
        return refund


class PayoutEvent(WebhookEvent):
    """Something happened to a payout."""

    __slots__ = ()
    _data_model = Payout

    @property
    def type(self) -> PayoutEventType:
        """What happened, as it was sent."""
        name: PayoutEventType = self._type
        return name

    @property
    def data(self) -> Payout:
        """The payout as it was then. ``WebhookVerificationError`` if what was sent is no payout."""
        payout: Payout = super().data
        return payout


class DisputeEvent(WebhookEvent):
    """A customer disputed a payment, or the dispute ended. ``data`` is a dict: Molam's API has no object for it."""

    __slots__ = ()

    @property
    def type(self) -> DisputeEventType:
        """What happened, as it was sent."""
        name: DisputeEventType = self._type
        return name


class UnknownEvent(WebhookEvent):
    """An event of a type that this version does not know: ``data`` is what was sent."""

    __slots__ = ()


AnyWebhookEvent: TypeAlias = PaymentEvent | RefundEvent | PayoutEvent | DisputeEvent | UnknownEvent
"""What construct_event gives: narrow it by ``type`` or by class."""

_BY_TYPE: Final[dict[Any, type[WebhookEvent]]] = {
    name: cls
    for cls, names in (
        (PaymentEvent, PaymentEventType),
        (RefundEvent, RefundEventType),
        (PayoutEvent, PayoutEventType),
        (DisputeEvent, DisputeEventType),
    )
    for name in get_args(names)
}

KNOWN_TYPES: Final = frozenset(map(canonical_type, _BY_TYPE))
"""The types that this version knows, each under its short name."""


def construct_event(
    payload: Payload,
    header: SignatureHeader,
    get_secret: SecretSource,
    tolerance_seconds: float = 300,
    *,
    now: float | None = None,
    max_bytes: int = MAX_PAYLOAD_BYTES,
) -> AnyWebhookEvent:
    """The event in a body that Molam signed. Arguments as for ``verify_molam_signature``.

    Raises ``WebhookVerificationError`` and nothing else: for a wrong signature, and for a body that is no
    JSON object. Unknown types pass, as ``UnknownEvent``.
    """
    # As ``without_values`` does it, whose call would cost as much as reading the header.
    try:
        return parse_event(verified_body(header, payload, get_secret, tolerance_seconds, now=now, max_bytes=max_bytes))
    except BaseException as error:
        del payload, header, get_secret
        empty_frames(error)
        raise


def parse_event(body: bytes) -> AnyWebhookEvent:
    """The event in a body whose signature was checked already; ``WebhookVerificationError`` if it is none."""
    try:
        # Twice as fast as json.loads on an event.
        parsed = from_json(body, allow_inf_nan=False)
    except ValueError:
        parsed = _read_leniently(body)
    if not isinstance(parsed, dict):
        raise refused("no_event", "Invalid JSON payload: an event is a JSON object")
    name = parsed.get("type")
    cls = _BY_TYPE.get(name, UnknownEvent) if isinstance(name, str) else UnknownEvent
    event: Any = cls(parsed)
    typed: AnyWebhookEvent = event
    return typed


def _read_leniently(body: bytes) -> Any:
    try:
        return read_leniently(body)
    except ValueError as error:
        raise refused("no_event", "Invalid JSON payload") from error


def _seconds(number: float) -> float:
    """Unix seconds, where it may have been milli-, micro- or nanoseconds: seconds reach 1e11 in the year 5138."""
    while abs(number) >= _MOST_SECONDS:
        number /= 1000
    return number


def _moment(value: Any) -> datetime | None:
    try:
        if isinstance(value, str):
            moment = datetime.fromisoformat(value.replace("Z", "+00:00"))
            return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
        if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e20:
            return datetime.fromtimestamp(_seconds(value), timezone.utc)
    except (ValueError, OverflowError, OSError):
        return None
    return None


def _unreadable(event_type: str, model: type[Answer], error: ValidationError) -> WebhookVerificationError:
    fields = ", ".join(sorted({".".join(map(str, detail["loc"])) or "data" for detail in error.errors()}))
    return refused(
        "no_event",
        f"Invalid JSON payload: the data of this {event_type} is no {model.__name__} ({fields}); "
        "event['data'] has what was sent",
    )
