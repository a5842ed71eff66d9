"""How a client is set up: data, validated once, its repr without secrets."""

from __future__ import annotations

import copy
import inspect
import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Protocol, TypeAlias

from ._environment import settings_of, unknown_variables
from ._frames import raises_without_values
from ._places import (
    ENVIRONMENTS,
    LIVE_URLS,
    REGIONS,
    TEST_URLS,
    check_base_url,
    check_http_proxy,
    check_proxy,
    is_loopback,
    region_url,
    url_of,
)
from ._setting_checks import (
    MOST_SECONDS,
    check_header_safe,
    check_kinds,
    check_numbers,
    check_switches,
    files_of,
    limits_of,
)
from .exceptions import ConfigurationError
from .money import parse_currency
from .secrets.key_file import with_key_file

__all__ = [
    "ENVIRONMENTS",
    "MOST_SECONDS",
    "REGIONS",
    "ApiKey",
    "Cipher",
    "ClientConfig",
    "JournalKey",
    "MolamConfigurationWarning",
    "check_api_key",
    "check_base_url",
    "check_http_proxy",
    "check_proxy",
    "is_loopback",
    "region_url",
]


class Cipher(Protocol):
    """What encrypts a journal: ``Fernet``, ``MultiFernet``, or an object of the merchant's, such as one over a KMS."""

    def encrypt(self, data: bytes, /) -> bytes:
        """The data, so that nobody without the key can read or change it."""
        ...

    def decrypt(self, token: bytes, /) -> bytes:
        """The data again; any exception where the key is another one, or the token was changed."""
        ...


JournalKey: TypeAlias = str | Sequence[str] | Cipher | Callable[[], str | Sequence[str] | Cipher]
"""Fernet keys, separated by commas or in a list, the first one encrypts; a cipher; or a callable that gives them."""
ApiKey = str | Callable[[], str | tuple[str | bytes, ...]] | None


class MolamConfigurationWarning(UserWarning):
    """A set-up that works but is probably not what was meant."""


@raises_without_values
@dataclass(frozen=True, slots=True)
class ClientConfig:
    """The settings of a client. All times are seconds. ``ConfigurationError`` names what is wrong.

    ``api_key``: ``sk_…``, ``jwt_…``, a source of ``molam_sdk.secrets``, or a callable that returns one (asked at first
    use, before a ``jwt_…`` expires, and once after a 401).
    ``base_url``: a URL, or the name of an environment; by default ``environment``'s, or ``region``'s.
    ``timeout_total``: the most a call takes, with DNS, connect, TLS, answer, retries and sleeps.
    ``default_currency``: of payloads that name none; without it a missing currency is refused.
    ``max_retries``: attempts after the first. ``remembered_keys``: how many idempotency keys in doubt a client
    remembers. ``bulkheads``: calls in flight at most, by operation group (``payments``, ``refunds``, ``payouts``,
    ``merchants``, ``webhooks``, ``other``).
    ``switched_off``: groups and operations whose calls are refused, as ``payouts,create_refund``, or ``all``;
    ``switches_file``: a file that names them, looked at while the client runs; ``switches``: asked before each call as
    ``switches("molam.payouts.enabled")``, which answers False where it is off.
    ``journal``: the file or URL of the journal; ``journal_required``: a call that cannot be written down is not sent;
    ``journal_key``: Fernet keys, separated by commas, that bodies and answers in it are encrypted by (the first one
    encrypts, all of them read), an object with ``encrypt`` and ``decrypt``, or a callable that gives one of these.
    ``journal_tag``: created objects carry a tag in their metadata, by which an event or a list finds their entry.
    """

    api_key: ApiKey = field(default=None, repr=False)
    base_url: str | None = None
    environment: str | None = None
    region: str | None = None
    timeout_connect: float = 1.0
    timeout_read: float = 10.0
    timeout_total: float = 30.0
    max_retries: int = 3
    retry_backoff_factor: float = 0.3
    retry_backoff_max: float = 8.0
    retry_after_max: float = 30.0
    retry_budget: int = 500
    remembered_keys: int = 10_000
    retry_cost: int = 5
    retry_cost_timeout: int = 10
    pool_size: int = 64
    pool_idle_seconds: float = 55.0
    max_body_bytes: int = 8 * 1024 * 1024
    bulkheads: Mapping[str, int] = field(default_factory=dict)
    bulkhead_wait: float = 0.0
    verify_ssl: bool = True
    ca_bundle: str | None = None
    mtls_cert: str | None = None
    mtls_key: str | None = None
    proxy: str | None = field(default=None, repr=False)
    default_currency: str | None = None
    default_locale: str = "en"
    journal: str | None = field(default=None, repr=False)
    journal_required: bool = True
    journal_key: JournalKey | None = field(default=None, repr=False)
    journal_tag: bool = False
    debug: bool = False
    switched_off: str | None = None
    switches_file: str | None = None
    switches: Callable[[str], object] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        check_kinds(self)
        check_switches(self.switches)
        _set(self, "base_url", url_of(self.base_url, self.environment, self.region))
        _set(self, "default_currency", _currency(self.default_currency))
        _check_key(self.api_key)
        if self.proxy is not None:
            check_proxy(self.proxy)
        check_numbers(self)
        _set(self, "bulkheads", limits_of(self.bulkheads))
        for name, path in files_of(self).items():
            _set(self, name, path)
        check_header_safe("default_locale", self.default_locale)
        self._refuse_or_warn()

    def __hash__(self) -> int:
        return hash(tuple(_hashable(getattr(self, item.name)) for item in fields(self)))

    @property
    def url(self) -> str:
        """The base URL that calls go to."""
        assert self.base_url is not None  # noqa: S101 - set by __post_init__; tells the type checker
        return self.base_url

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None, **overrides: Any) -> ClientConfig:
        """Read ``MOLAM_<FIELD>`` for every field (``MOLAM_API_KEY``, ``MOLAM_TIMEOUT_TOTAL``, …).

        ``MOLAM_API_KEY_FILE`` names a file that holds the key. ``MOLAM_BULKHEADS`` is ``payouts=8,refunds=4``. Keyword
        arguments win over the environment; one that says where calls go (``base_url``, ``environment``, ``region``)
        also over the variables that say it otherwise. Empty variables count as not set, and one that no field reads is
        warned of.
        """
        source = os.environ if environ is None else environ
        defaults: dict[str, Any] = {item.name: {} if item.name == "bulkheads" else item.default for item in fields(cls)}
        if strange := unknown_variables(source, defaults):
            _warn(f"Nothing reads {', '.join(strange)}")
        return cls(**with_key_file(settings_of(source, defaults, overrides), source, overrides))

    def changed(self, **changes: Any) -> ClientConfig:
        """This configuration with another key or another place to send to, which the caller has checked.

        The files and numbers that were right at the start are not looked at again: a certificate that was rotated
        away since must not stop a new API key.
        """
        new = copy.copy(self)
        for name, value in changes.items():
            _set(new, name, value)
        _check_key(new.api_key)
        new._refuse_unverified()
        return new

    def _refuse_unverified(self) -> None:
        if isinstance(self.api_key, str) and not self.verify_ssl:
            refuse_unverified(self.api_key)

    def _refuse_or_warn(self) -> None:
        self._refuse_unverified()
        key = self.api_key if isinstance(self.api_key, str) else ""
        if self.api_key is None:
            _warn("No api_key: every call raises ConfigurationError until set_api_key() is called")
        elif key.startswith("sk_test_") and self.url in LIVE_URLS:
            _warn(f"A test key (sk_test_…) is used on the production URL {self.url}")
        elif key.startswith("sk_live_") and self.url in TEST_URLS:
            _warn(f"A live key (sk_live_…) is used on the test URL {self.url}")


def refuse_unverified(key: str) -> None:
    """Only a test key may go where the server's certificate is not verified."""
    if not key.startswith("sk_test_"):
        raise ConfigurationError(
            "verify_ssl=False with a live key (any but sk_test_…): anyone on the way could read and change payments"
        )


def check_api_key(key: object) -> str:
    """Refuse what cannot be a Molam key, without ever repeating it in the message."""
    if isinstance(key, bytes | bytearray | memoryview):
        raise ConfigurationError("api_key must be a text that begins with 'sk_' or 'jwt_', not bytes: decode it")
    if not isinstance(key, str) or not key.startswith(("sk_", "jwt_")):
        raise ConfigurationError("api_key must begin with 'sk_' or 'jwt_': copy it from the Molam dashboard")
    check_header_safe("api_key", key)
    if " " in key:
        raise ConfigurationError("api_key must not hold a blank: copy it once, and whole, from the Molam dashboard")
    return key


def _set(config: ClientConfig, name: str, value: object) -> None:
    object.__setattr__(config, name, value)


def _warn(message: str) -> None:
    """At the line of the merchant's that built the configuration."""
    frame, level = inspect.currentframe(), 1
    while frame is not None and str(frame.f_globals.get("__name__")).startswith("molam_sdk"):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, MolamConfigurationWarning, stacklevel=level)


def _check_key(key: ApiKey) -> None:
    if key is not None and not callable(key):
        check_api_key(key)


def _currency(code: str | None) -> str | None:
    try:
        return None if code is None else parse_currency(code)
    except ValueError as problem:
        why = str(problem)
    raise ConfigurationError(f"default_currency: {why}")


def _hashable(value: object) -> object:
    if isinstance(value, Mapping):
        return frozenset(value.items())
    return tuple(value) if isinstance(value, list) else value
