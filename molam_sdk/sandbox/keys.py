"""API keys: who asks, what the key may do, and how often."""

import hashlib
import math
import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from . import tables as t
from .clock import Clock
from .operations import SCOPES
from .problems import ApiError
from .store import Store, Transaction

PREFIX = "sk_test_"
MAIN_ACCOUNT = "acct_sandbox"


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as the sandbox knows it; `id` stands in logs and the audit trail, the secret never does."""

    id: str
    account: str
    scopes: frozenset[str]


NOBODY = ApiKey("", "", frozenset())


def main_key(seed: int) -> str:
    """The key of the sandbox itself: the same for the same seed, so that a restart does not lock anybody out."""
    return PREFIX + hashlib.sha256(f"molam sandbox {seed}".encode()).hexdigest()[:32]


class Keys:
    """The keys of one sandbox; they live in the store, with a copy in memory to look up."""

    def __init__(self, store: Store, secret: str) -> None:
        if not secret.startswith(PREFIX):
            raise ValueError(f"a sandbox key begins with {PREFIX}")
        self._store, self._main = store, secret
        self._known: dict[str, ApiKey] = {}

    def load(self) -> None:
        """Read the keys of an open store, and see the main key among them."""
        with self._store.transaction() as tx:
            self._known = {row["secret"]: _key(row) for row in map(dict, tx.rows(t.api_keys.select()))}
            if self._main not in self._known:
                self._insert(tx, self._main, MAIN_ACCOUNT, SCOPES)

    def create(self, *scopes: str, account: str = MAIN_ACCOUNT) -> str:
        """A further key; with scopes (`payments:read`, …) a restricted one, without any it may do everything."""
        unknown = set(scopes) - set(SCOPES)
        if unknown:
            raise ValueError(f"unknown scopes {sorted(unknown)}; there are {', '.join(SCOPES)}")
        secret = PREFIX + secrets.token_hex(16)
        with self._store.transaction() as tx:
            self._insert(tx, secret, account, scopes or SCOPES)
        return secret

    def _insert(self, tx: Transaction, secret: str, account: str, scopes: tuple[str, ...]) -> None:
        key_id = "key_" + hashlib.sha256(secret.encode()).hexdigest()[:12]
        row = {"secret": secret, "id": key_id, "account": account, "scopes": " ".join(scopes)}
        tx.connection.execute(t.api_keys.insert(), row)
        self._known[secret] = _key(row)

    def authenticate(self, authorization: str | None) -> ApiKey:
        """The key of an Authorization header; raises ApiError 401."""
        scheme, _, secret = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not secret:
            raise _unauthorized("authentication_required", "Send the key as Authorization: Bearer sk_test_….")
        if secret.startswith("sk_live_"):
            raise _unauthorized("live_key_in_sandbox", "A live key has no place here; the sandbox takes sk_test_ keys.")
        key = self._known.get(secret)
        if key is None:
            raise _unauthorized("invalid_api_key", "This key is not known.")
        return key


def _key(row: Mapping[str, str]) -> ApiKey:
    return ApiKey(row["id"], row["account"], frozenset(row["scopes"].split()))


def _unauthorized(code: str, message: str) -> ApiError:
    return ApiError(401, code, message, headers={"WWW-Authenticate": "Bearer"})


def authorize(key: ApiKey, scope: str) -> None:
    """Raise ApiError 403 unless the key has the scope."""
    if scope not in key.scopes:
        raise ApiError(403, "insufficient_scope", f"This key lacks the scope {scope}.")


class RateLimit:
    """A token bucket per key: `rate` requests a second on average, as many at once; None is no limit."""

    def __init__(self, rate: float | None, clock: Clock) -> None:
        self.rate = rate
        self._clock = clock
        self._buckets: dict[str, tuple[float, float]] = {}

    def take(self, key_id: str) -> None:
        """Raise ApiError 429 with Retry-After in whole seconds where the bucket is empty."""
        if self.rate is None:
            return
        burst, now = max(1.0, self.rate), self._clock.now()
        tokens, since = self._buckets.get(key_id, (burst, now))
        tokens = min(burst, tokens + (now - since) * self.rate)
        if tokens < 1:
            wait = math.ceil((1 - tokens) / self.rate)
            raise ApiError(429, "rate_limited", "Too many requests.", headers={"Retry-After": str(wait)})
        self._buckets[key_id] = (tokens - 1, now)
