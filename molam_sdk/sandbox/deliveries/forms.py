"""The forms in which an event is also seen, and what is wrong with it on demand: the contract allows more than one."""

import json
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from ..domain.clock import iso

Secrets = Sequence[tuple[str | None, str]]
_LONGER = {"payment": "payment.intent", "refund": "payment.refund"}


class SignedParts(NamedTuple):
    """What is sent and signed: the body, and the secrets by kid (None signs without one)."""

    body: bytes
    secrets: Secrets


def _with(body: bytes, **changed: Any) -> bytes:
    return json.dumps({**json.loads(body), **changed}).encode()


def _iso_created(parts: SignedParts) -> SignedParts:
    return parts._replace(body=_with(parts.body, created=iso(json.loads(parts.body)["created"])))


def _long_type(parts: SignedParts) -> SignedParts:
    resource, _, what = json.loads(parts.body)["type"].partition(".")
    return parts._replace(body=_with(parts.body, type=f"{_LONGER.get(resource, resource)}.{what}"))


def _unknown_type(parts: SignedParts) -> SignedParts:
    resource = json.loads(parts.body)["type"].partition(".")[0]
    return parts._replace(body=_with(parts.body, type=f"{resource}.seen_from_afar"))


def _no_kid(parts: SignedParts) -> SignedParts:
    return parts._replace(secrets=[(None, secret) for _, secret in parts.secrets])


def _bad_signature(parts: SignedParts) -> SignedParts:
    return parts._replace(secrets=[(kid, f"{secret}_of_somebody_else") for kid, secret in parts.secrets])


_FORMS: dict[str, Callable[[SignedParts], SignedParts]] = {
    "iso_created": _iso_created,
    "long_type": _long_type,
    "unknown_type": _unknown_type,
    "no_kid": _no_kid,
    "bad_signature": _bad_signature,
}


def formed(parts: SignedParts, kind: str | None) -> SignedParts:
    """The parts in the form of this kind of fault; None leaves them as they are."""
    return parts if kind is None else _FORMS[kind](parts)
