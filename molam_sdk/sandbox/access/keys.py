"""API keys: who asks, and what the key may do."""

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..domain.refusal import RefusalError
from ..store import tables as t
from ..store.database import SandboxStore
from ..store.recording import MAIN_ACCOUNT
from ..store.transaction import StoreTransaction

PREFIX = "sk_test_"


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


class ApiKeys:
    """The keys of one sandbox; they live in the store, with a copy in memory to look up."""

    def __init__(self, store: SandboxStore, secret: str, scopes: Sequence[str]) -> None:
        if not secret.startswith(PREFIX):
            raise ValueError(f"a sandbox key begins with {PREFIX}")
        self._store, self._main, self._scopes = store, secret, tuple(scopes)
        self._known: dict[str, ApiKey] = {}

    def load(self) -> None:
        """Read the keys of an open store, and see the main key among them."""
        with self._store.transaction() as tx:
            self._known = {row["secret"]: _key(row) for row in map(dict, tx.rows(t.api_keys.select()))}
            if self._main not in self._known:
                self._insert(tx, self._main, MAIN_ACCOUNT, self._scopes)

    def create(self, *scopes: str, account: str = MAIN_ACCOUNT) -> str:
        """A further key; with scopes (`payments:read`, …) a restricted one, without any it may do everything."""
        unknown = set(scopes) - set(self._scopes)
        if unknown:
            raise ValueError(f"unknown scopes {sorted(unknown)}; there are {', '.join(self._scopes)}")
        secret = PREFIX + secrets.token_hex(16)
        with self._store.transaction() as tx:
            self._insert(tx, secret, account, scopes or self._scopes)
        return secret

    def _insert(self, tx: StoreTransaction, secret: str, account: str, scopes: tuple[str, ...]) -> None:
        key_id = "key_" + hashlib.sha256(secret.encode()).hexdigest()[:12]
        row = {"secret": secret, "id": key_id, "account": account, "scopes": " ".join(scopes)}
        tx.connection.execute(t.api_keys.insert(), row)
        self._known[secret] = _key(row)

    def authenticate(self, authorization: str | None) -> ApiKey:
        """The key of an Authorization header; raises RefusalError 401."""
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


def _unauthorized(code: str, message: str) -> RefusalError:
    return RefusalError(401, code, message, headers={"WWW-Authenticate": "Bearer"})


def authorize(key: ApiKey, scope: str) -> None:
    """Raise RefusalError 403 unless the key has the scope."""
    if scope not in key.scopes:
        raise RefusalError(403, "insufficient_scope", f"This key lacks the scope {scope}.")
