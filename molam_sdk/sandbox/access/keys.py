"""API keys: who asks, what the key may do, and until when."""

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from ..domain.clock import SandboxClock, iso
from ..domain.refusal import RefusalError
from ..store import tables as t
from ..store.database import SandboxStore
from ..store.recording import MAIN_ACCOUNT
from ..store.transaction import StoreTransaction

PREFIX = "sk_test_"
_MAIN_KEY = "main_key"
_ALL = "*"


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as the sandbox knows it; `id` stands in logs and the audit trail, the secret never does.

    `scopes` of None are all there are. Moments are unix seconds of the sandbox's clock, `rate` requests a second.
    """

    id: str
    account: str
    scopes: frozenset[str] | None
    created_at: float = 0.0
    expires_at: float | None = None
    revoked_at: float | None = None
    rate: float | None = None


NOBODY = ApiKey("", "", frozenset())


def key_of(seed: int) -> str:
    """The key of a sandbox that was given this seed: a run that is repeated has the same."""
    return PREFIX + hashlib.sha256(f"molam sandbox {seed}".encode()).hexdigest()[:32]


class ApiKeys:
    """The keys of one sandbox; they live in the store as digests, with a copy in memory to look up.

    `secret` is the main key: it may do everything, now and in later versions. None takes the one kept in the store,
    or makes one that nobody can guess.
    """

    def __init__(self, store: SandboxStore, clock: SandboxClock, secret: str | None, scopes: Sequence[str]) -> None:
        if secret is not None and not secret.startswith(PREFIX):
            raise ValueError(f"a sandbox key begins with {PREFIX}")
        self._store, self._clock, self._scopes = store, clock, tuple(scopes)
        self.main = secret
        self._known: dict[str, ApiKey] = {}

    def load(self) -> None:
        """Read the keys of an open store, and see the main key among them."""
        with self._store.transaction() as tx:
            self._known = {row["digest"]: _key(dict(row)) for row in tx.rows(t.api_keys.select())}
            self.main = self.main or tx.text(_MAIN_KEY) or new_key()
            tx.save_text(_MAIN_KEY, self.main)
            digest = _digest(self.main)
            if digest not in self._known:
                self._insert(tx, self.main, self._row(MAIN_ACCOUNT, _ALL))
            statement = t.api_keys.update().where(t.api_keys.c.digest == digest).values(scopes=_ALL)
            tx.connection.execute(statement)
            self._known[digest] = _stored(tx, digest)

    def create(
        self,
        *scopes: str,
        account: str = MAIN_ACCOUNT,
        expires_in: float | None = None,
        rate: float | None = None,
    ) -> str:
        """A further key; with scopes (`payments:read`, …) a restricted one, without any it may do everything.

        `expires_in` is seconds of the sandbox's clock, `rate` requests a second.
        """
        unknown = set(scopes) - set(self._scopes)
        if unknown:
            raise ValueError(f"unknown scopes {sorted(unknown)}; there are {', '.join(self._scopes)}")
        for name, value in (("expires_in", expires_in), ("rate", rate)):
            if value is not None and (isinstance(value, bool) or not isinstance(value, int | float) or value <= 0):
                raise ValueError(f"{name} must be a number greater than zero")
        if not isinstance(account, str) or not account:
            raise ValueError("account must be a name")
        secret = new_key()
        with self._store.transaction() as tx:
            self._insert(tx, secret, self._row(account, " ".join(scopes) or _ALL, expires_in, rate))
        return secret

    def revoke(self, key_id: str) -> None:
        """Let a key in no more; raises KeyError, and ValueError for the main key."""
        digest = next((digest for digest, key in self._known.items() if key.id == key_id), None)
        if digest is None:
            raise KeyError(key_id)
        if self.main is not None and digest == _digest(self.main):
            raise ValueError("the main key cannot be revoked: the sandbox would be locked")
        with self._store.transaction() as tx:
            statement = t.api_keys.update().where(t.api_keys.c.digest == digest)
            tx.connection.execute(statement.values(revoked_at=self._clock.now()))
            self._known[digest] = _stored(tx, digest)

    def list(self) -> "list[dict[str, Any]]":
        """The keys, oldest first, without their secrets."""
        return [_shown(key, self._clock.now()) for key in self._known.values()]

    def _row(
        self, account: str, scopes: str, expires_in: float | None = None, rate: float | None = None
    ) -> dict[str, Any]:
        now = self._clock.now()
        expires_at = None if expires_in is None else now + expires_in
        return {"account": account, "scopes": scopes, "created_at": now, "expires_at": expires_at, "rate": rate}

    def _insert(self, tx: StoreTransaction, secret: str, row: dict[str, Any]) -> None:
        digest = _digest(secret)
        whole = {**row, "digest": digest, "id": f"key_{digest[:12]}", "revoked_at": None}
        tx.connection.execute(t.api_keys.insert(), whole)
        self._known[digest] = _key(whole)

    def find(self, authorization: str | None) -> ApiKey | None:
        """The key of an Authorization header, whether or not it is let in."""
        scheme, _, secret = (authorization or "").partition(" ")
        return self._known.get(_digest(secret)) if scheme.lower() == "bearer" else None

    def authenticate(self, authorization: str | None) -> ApiKey:
        """The key of an Authorization header; raises RefusalError 401."""
        scheme, _, secret = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not secret:
            raise _unauthorized("authentication_required", "Send the key as Authorization: Bearer sk_test_….")
        if secret.startswith("sk_live_"):
            raise _unauthorized("live_key_in_sandbox", "A live key has no place here; the sandbox takes sk_test_ keys.")
        key = self._known.get(_digest(secret))
        if key is None:
            raise _unauthorized("invalid_api_key", "This key is not known.")
        if key.revoked_at is not None:
            raise _unauthorized("revoked_api_key", "This key was revoked.")
        if key.expires_at is not None and key.expires_at <= self._clock.now():
            raise _unauthorized("expired_api_key", f"This key expired at {iso(key.expires_at)}.")
        return key


def new_key() -> str:
    """A key that nobody can guess."""
    return PREFIX + secrets.token_hex(16)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()


def _stored(tx: StoreTransaction, digest: str) -> ApiKey:
    return _key(dict(tx.rows(select(t.api_keys).where(t.api_keys.c.digest == digest))[0]))


def _key(row: Mapping[str, Any]) -> ApiKey:
    scopes = None if row["scopes"] == _ALL else frozenset(row["scopes"].split())
    return ApiKey(
        row["id"], row["account"], scopes, row["created_at"], row["expires_at"], row["revoked_at"], row["rate"]
    )


def _shown(key: ApiKey, now: float) -> dict[str, Any]:
    expired = key.expires_at is not None and key.expires_at <= now
    return {
        "id": key.id,
        "account": key.account,
        "scopes": None if key.scopes is None else sorted(key.scopes),
        "created_at": iso(key.created_at),
        "expires_at": None if key.expires_at is None else iso(key.expires_at),
        "revoked_at": None if key.revoked_at is None else iso(key.revoked_at),
        "rate": key.rate,
        "status": "revoked" if key.revoked_at is not None else "expired" if expired else "active",
    }


def _unauthorized(code: str, message: str) -> RefusalError:
    return RefusalError(401, code, message, headers={"WWW-Authenticate": "Bearer"})


def authorize(key: ApiKey, scope: str) -> None:
    """Raise RefusalError 403 unless the key has the scope."""
    if key.scopes is not None and scope not in key.scopes:
        raise RefusalError(403, "insufficient_scope", f"This key lacks the scope {scope}.")
