"""Which key ids have verified here: what tells our own missing secret from a stranger's made-up kid."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, cast

from ..webhooks import EnvironmentSecrets, Refusal, SecretSource
from ..webhooks.secrets import secrets_of
from ..webhooks.signature import DEFAULT_KID
from .answers import BY_REFUSAL, DeliveryResult

_MOST_KIDS: Final = 64


class BelievedKids:
    """The kids that verified a delivery in this process; only Molam can add one, and it has few."""

    def __init__(self, source: SecretSource) -> None:
        self._source = source
        self._kids: set[str] = set()

    def note(self, kids: Sequence[str]) -> None:
        """A delivery whose header names these kids verified."""
        # Of several pairs only one has verified: which one is not said, so none is taken for it.
        if len(kids) == 1 and kids[0] not in self._kids and len(self._kids) < _MOST_KIDS:
            self._kids.add(kids[0])

    def is_stranger(self, kids: Sequence[str], ask: Callable[[str], object]) -> bool:
        """Whether nothing says that kids without a secret are ours: none of them verified before, and others are known.

        ``ask`` looks the secret of a kid up.
        """
        return self._kids.isdisjoint(kids) if self._kids else self.knows_any(kids, ask)

    def knows_any(self, kids: Sequence[str], ask: Callable[[str], object]) -> bool:
        """Whether the source has any secret; a callable is asked for the usual kid, where it was not asked by now."""
        source = self._source
        if isinstance(source, str | bytes):
            return _has(source, DEFAULT_KID)
        if isinstance(source, Mapping):
            return any(_has(source, kid) for kid in source)
        if isinstance(source, EnvironmentSecrets):
            return any(_has(source, kid) for kid in source.named_kids())
        if DEFAULT_KID in kids or len(kids) > 2:
            return False
        try:
            return bool(ask(DEFAULT_KID))
        except Exception:  # noqa: BLE001  # a source that fails says nothing
            return False


def _has(source: SecretSource, kid: str) -> bool:
    try:
        return bool(secrets_of(source, kid))
    except Exception:  # noqa: BLE001  # what is no secret, whatever a mapping says of it
        return False


def result_of_refusal(reason: str, stranger: Callable[[], bool]) -> DeliveryResult:
    """What becomes of a delivery that was refused for this reason (``WebhookVerificationError.reason``)."""
    if reason in {"unknown_kid", "lookup_failed"} and stranger():
        return "unknown_kid"
    return BY_REFUSAL.get(cast("Refusal", reason), "malformed")
