"""The Molam-Signature header: how it is read, checked in constant time, and made for tests."""

from __future__ import annotations

import hmac
import math
import re
import time
from collections.abc import Iterator, Mapping
from typing import Any, Final, NoReturn, TypeAlias

from .._frames import without_values
from .refusal import Refusal, refused
from .secrets import Secret, Secrets, SecretSource, secrets_of

MAX_PAYLOAD_BYTES: Final = 1_048_576
"""Bodies beyond this are refused unread: Molam's events are a few kilobytes."""

SignatureHeader: TypeAlias = str | bytes | list[str] | list[bytes] | tuple[str, ...] | tuple[bytes, ...] | None
"""The header's value as frameworks give it: text, bytes, one value per header line, or None."""

Payload: TypeAlias = bytes | str | bytearray | memoryview

DEFAULT_KID: Final = "v1"
DEFAULT_TOLERANCE: Final = 300
_MAX_HEADER_LENGTH: Final = 4096
_MAX_PAIRS: Final = 16
# A rotation has two kids, a rotation begun within another three. Each made-up one may cost a look-up.
_MAX_KIDS: Final = 3
_MAX_DIGITS: Final = 16

# What may stand in a kid, so that none is a path, a pattern or a statement to whoever looks its secret up.
_KID: Final = re.compile(r"[A-Za-z0-9_.\-]{1,64}")
# Nearly every header: read in one step, four times as fast as field by field.
_USUAL: Final = re.compile(r"t=([0-9]{1,16}),v1=([0-9a-f]{64})(?:,kid=([A-Za-z0-9_.\-]{1,64}))?")

# One signature to check: the time as it was signed (Unix ms, as text), the hex digest, the key id.
_Pair: TypeAlias = tuple[str, str, str]


@without_values
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
    if tolerance_seconds != DEFAULT_TOLERANCE:
        check_tolerance(tolerance_seconds)
    clock_ms = (time.time() if now is None else now) * 1000
    tolerance_ms = tolerance_seconds * 1000
    timely = [pair for pair in pairs if abs(clock_ms - int(pair[0])) <= tolerance_ms]
    # Also where none is timely: whether Molam signed it tells our own wrong clock from rubbish.
    reason, failure = _why_none_holds(timely or pairs, body, source)
    if timely and reason is None:
        return body
    if not timely:
        raise refused(reason or "clock", f"timestamp outside tolerance of {tolerance_seconds} seconds") from failure
    if reason == "mismatch":
        raise refused(reason, "Signature mismatch")
    unknown = ", ".join(map(repr, dict.fromkeys(kid for _, _, kid in timely)))
    why = ": looking up its secret failed" if failure is not None else ""
    raise refused(reason or "unknown_kid", f"Unknown key ID {unknown}{why}") from failure


def kids_in(header: SignatureHeader) -> tuple[str, ...]:
    """The key ids that a header names, three at most; ``WebhookVerificationError`` if it is missing or malformed."""
    return tuple(dict.fromkeys(kid for _, _, kid in _read_header(header)))


def check_tolerance(seconds: object) -> None:
    """``ValueError`` unless it is a finite number of seconds: without one, a signature would be good for ever."""
    if isinstance(seconds, int | float) and seconds.__class__ is not bool and 0 <= seconds < math.inf:
        return
    raise ValueError(f"tolerance_seconds is {seconds!r}: it must be a finite number of seconds, 0 or more")


@without_values
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
    body: bytes | None
    try:
        if isinstance(payload, str):
            body = payload.encode()
        elif isinstance(payload, bytes):
            body = payload
        else:
            body = bytes(memoryview(payload))
    except UnicodeEncodeError:  # which quotes the whole body: so nothing is raised from here
        body = None
    except (TypeError, ValueError):
        kind = type(payload).__name__
        raise refused(
            "no_raw_body",
            f"Invalid JSON payload: a signature is checked over the raw body of the request, not over a {kind}",
        ) from None
    if body is None:
        raise refused("no_raw_body", "Invalid JSON payload: the body is not valid text")
    if max_bytes is not None and len(body) > max_bytes:
        raise refused("too_large", f"Invalid JSON payload: the body has more than {max_bytes} bytes")
    return body


def _hex_digest(secret: bytes, moment: str, body: bytes) -> str:
    # The moment as it was written, not as a number: what was signed is text.
    return hmac.digest(secret, b"".join((moment.encode(), b".", body)), "sha256").hex()


def _why_none_holds(pairs: list[_Pair], body: bytes, source: SecretSource) -> tuple[Refusal | None, Exception | None]:
    """None where a pair holds; else why none does, and what the source raised. Each kid is looked up once."""
    found: dict[str, tuple[bytes, ...]] = {}
    digests: dict[tuple[str, bytes], str] = {}
    failure: Exception | None = None
    # Every pair is tried: during a rotation the one that verifies may stand anywhere.
    for moment, digest, kid in pairs:
        secrets = found.get(kid)
        if secrets is None:
            secrets, error = _look_up(source, kid)
            found[kid], failure = secrets, failure or error
        for secret in secrets:
            right = digests.get((moment, secret)) if digests else None
            if right is None:
                right = _hex_digest(secret, moment, body)
            if hmac.compare_digest(right, digest):
                return None, None
            digests[moment, secret] = right
    # A look-up that failed, or a kid that nobody knows, beside one that mismatched: the other might have held.
    if failure is not None:
        return "lookup_failed", failure
    return ("mismatch" if all(found.values()) else "unknown_kid"), None


def _look_up(source: SecretSource, kid: str) -> tuple[tuple[bytes, ...], Exception | None]:
    """The secrets of a kid, or what went wrong: another pair of the header may still verify."""
    try:
        return secrets_of(source, kid), None
    except LookupError:  # what `{…}.__getitem__` says of a kid that it does not know
        return (), None
    except Exception as error:  # noqa: BLE001  # a callable of the merchant may raise anything
        return (), error


def _read_header(header: Any) -> list[_Pair]:
    usual = _USUAL.fullmatch(header) if isinstance(header, str) else None
    if usual is not None:
        moment, digest, kid = usual.groups()
        return [(moment, digest, kid or DEFAULT_KID)]
    lines = header if isinstance(header, list | tuple) else (header,)
    pairs: list[_Pair] = []
    for line in lines:
        text = _as_text(line)
        if text:
            pairs.extend(_read_pairs(text))
    if not pairs:
        raise refused("missing_header", "Missing Molam-Signature header")
    kids = {kid for _, _, kid in pairs}
    if len(pairs) > _MAX_PAIRS or len(kids) > _MAX_KIDS or not all(map(_KID.fullmatch, kids)):
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
    raise refused("malformed_header", "Invalid signature header format")
