"""The Molam-Signature header: how it is read, checked in constant time, and made for tests."""

from __future__ import annotations

import hmac
import re
import time
from collections.abc import Iterator, Mapping
from typing import Any, Final, NoReturn, TypeAlias

from ..exceptions import WebhookVerificationError
from .secrets import Secret, Secrets, SecretSource, secrets_of

MAX_PAYLOAD_BYTES: Final = 1_048_576
"""Bodies beyond this are refused unread: Molam's events are a few kilobytes."""

SignatureHeader: TypeAlias = str | bytes | list[str] | list[bytes] | tuple[str, ...] | tuple[bytes, ...] | None
"""The header's value as frameworks give it: text, bytes, one value per header line, or None."""

Payload: TypeAlias = bytes | str | bytearray | memoryview

DEFAULT_KID: Final = "v1"
_MAX_HEADER_LENGTH: Final = 4096
_MAX_PAIRS: Final = 16
_MAX_DIGITS: Final = 16

# Nearly every header: read in one step, four times as fast as field by field.
_USUAL: Final = re.compile(r"t=([0-9]{1,16}),v1=([0-9a-f]{64})(?:,kid=([A-Za-z0-9_.\-]{1,64}))?")

# One signature to check: the time as it was signed (Unix ms, as text), the hex digest, the key id.
_Pair: TypeAlias = tuple[str, str, str]


def verify_molam_signature(
    header: SignatureHeader,
    payload: Payload,
    get_secret_by_kid: SecretSource,
    tolerance_seconds: float = 300,
    *,
    now: float | None = None,
    max_bytes: int = MAX_PAYLOAD_BYTES,
) -> bool:
    """True if Molam signed this body with a known secret at about this time; else ``WebhookVerificationError``.

    ``payload`` is the raw body of the request, before anything parsed it. ``get_secret_by_kid`` is a callable, a
    mapping or one secret; it may give several secrets for a kid. ``now`` is Unix seconds; a signature from the
    future is refused like an old one. Nothing else is raised, whatever the header holds or the callable does.
    """
    verified_body(header, payload, get_secret_by_kid, tolerance_seconds, now=now, max_bytes=max_bytes)
    return True


def verified_body(
    header: SignatureHeader,
    payload: Payload,
    source: SecretSource,
    tolerance_seconds: float,
    *,
    now: float | None,
    max_bytes: int,
) -> bytes:
    """The bytes of a body whose signature holds; ``WebhookVerificationError`` if none does."""
    pairs = _read_header(header)
    body = raw_body(payload, max_bytes)
    clock_ms = (time.time() if now is None else now) * 1000
    # Written so that a tolerance that is no number refuses.
    timely = [pair for pair in pairs if abs(clock_ms - int(pair[0])) <= tolerance_seconds * 1000]
    if not timely:
        raise WebhookVerificationError(f"timestamp outside tolerance of {tolerance_seconds} seconds")
    # Every pair is tried: during a rotation the one that verifies may stand anywhere.
    known, failure = False, None
    for moment, digest, kid in timely:
        secrets, error = _look_up(source, kid)
        known, failure = known or bool(secrets), failure or error
        for secret in secrets:
            if hmac.compare_digest(_hex_digest(secret, moment, body), digest):
                return body
    if known:
        raise WebhookVerificationError("Signature mismatch")
    unknown = ", ".join(repr(kid[:64]) for _, _, kid in timely)
    why = ": looking up its secret failed" if failure is not None else ""
    raise WebhookVerificationError(f"Unknown key ID {unknown}{why}") from failure


def sign(
    payload: Payload,
    secret: Secret | Mapping[str, Secrets],
    kid: str = DEFAULT_KID,
    *,
    now: float | None = None,
) -> str:
    """The Molam-Signature header for a body: for tests. ``now`` is Unix seconds.

    A mapping from kid to secret signs with each of them, as Molam does while a secret is rotated.
    """
    moment = str(int((time.time() if now is None else now) * 1000))
    body = raw_body(payload, None)
    by_kid: Mapping[str, Secrets] = secret if isinstance(secret, Mapping) else {kid: secret}
    pairs = [f"v1={_hex_digest(key, moment, body)},kid={name}" for name in by_kid for key in secrets_of(by_kid, name)]
    return ",".join([f"t={moment}", *pairs])


def raw_body(payload: Payload, max_bytes: int | None) -> bytes:
    """The bytes that were signed; ``WebhookVerificationError`` if these are none, or too many."""
    try:
        if isinstance(payload, str):
            body = payload.encode()
        elif isinstance(payload, bytes):
            body = payload
        else:
            body = bytes(memoryview(payload))
    except UnicodeEncodeError:
        raise WebhookVerificationError("Invalid JSON payload: the body is not valid text") from None
    except (TypeError, ValueError):
        kind = type(payload).__name__
        raise WebhookVerificationError(
            f"Invalid JSON payload: a signature is checked over the raw body of the request, not over a {kind}"
        ) from None
    if max_bytes is not None and len(body) > max_bytes:
        raise WebhookVerificationError(f"Invalid JSON payload: the body has more than {max_bytes} bytes")
    return body


def _hex_digest(secret: bytes, moment: str, body: bytes) -> str:
    # The moment as it was written, not as a number: what was signed is text.
    return hmac.digest(secret, b"%b.%b" % (moment.encode(), body), "sha256").hex()


def _look_up(source: SecretSource, kid: str) -> tuple[tuple[bytes, ...], Exception | None]:
    """The secrets of a kid, or what went wrong: another pair of the header may still verify."""
    try:
        return secrets_of(source, kid), None
    except Exception as error:  # noqa: BLE001  # a callable of the merchant may raise anything
        return (), error


def _read_header(header: Any) -> list[_Pair]:
    usual = _USUAL.fullmatch(header) if isinstance(header, str) else None
    if usual is not None:
        return [(usual[1], usual[2], usual[3] or DEFAULT_KID)]
    lines = header if isinstance(header, list | tuple) else (header,)
    pairs: list[_Pair] = []
    for line in lines:
        text = _as_text(line)
        if text:
            pairs.extend(_read_pairs(text))
    if not pairs:
        raise WebhookVerificationError("Missing Molam-Signature header")
    if len(pairs) > _MAX_PAIRS:
        _refuse()
    return pairs


def _as_text(line: Any) -> str:
    if line is None:
        return ""
    if isinstance(line, bytes | bytearray):
        line = line.decode("latin-1")
    if not isinstance(line, str) or len(line) > _MAX_HEADER_LENGTH or not line.isascii():
        _refuse()
    return line.strip(" \t")


def _read_pairs(text: str) -> Iterator[_Pair]:
    """The pairs of one header line. A kid belongs to the v1 beside it, whichever of the two stands first."""
    parts = (field.partition("=") for field in text.split(","))
    fields = [(name.strip(" \t"), value.strip(" \t")) for name, _, value in parts]
    moments = [value for name, value in fields if name == "t"]
    digests = [value for name, value in fields if name == "v1"]
    kids = [value for name, value in fields if name == "kid"]
    if len(moments) != 1 or not digests or len(kids) > len(digests) or not all(all(field) for field in fields):
        _refuse()
    # ASCII digits only, since the text was checked to be ASCII.
    if not moments[0].isdigit() or len(moments[0]) > _MAX_DIGITS:
        _refuse()
    if len(kids) != len(digests):
        kids = _with_default_kids(fields)
    return zip(moments * len(kids), digests, kids, strict=True)


def _with_default_kids(fields: list[tuple[str, str]]) -> list[str]:
    """The kid of each v1 where some have none. Unknown fields are refused then: one may be a garbled kid."""
    kids: list[str] = []
    for name, value in fields:
        if name == "v1":
            kids.append(DEFAULT_KID)
        elif name == "kid" and kids:
            kids[-1] = value
        elif name != "t":
            _refuse()
    return kids


def _refuse() -> NoReturn:
    raise WebhookVerificationError("Invalid signature header format")
