"""What the blocking and the asyncio client share: settings that can be changed, and how a call begins."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Generic, NoReturn, TypeVar

from . import models
from ._api_key import ApiKeySource
from ._client_state import ClientState, RequestHeaders
from ._core.account import account_of
from ._core.call import Call
from ._core.doubts import refuse_unless_safe, stronger
from ._core.invocation import Invocation
from ._core.record import CallRecord, CallStart, Gate, Observer
from ._core.wire import Request
from ._frames import raises_without_values
from ._interruption import raised_from_outside
from ._quiet_log import log
from .config import MOST_SECONDS, ApiKey, ClientConfig
from .exceptions import ClientClosedError, ConfigurationError, Doubt, RequestValidationError

if TYPE_CHECKING:
    from .webhooks import SecretSource, SignatureHeader

T = TypeVar("T")
StateT = TypeVar("StateT", bound=ClientState)

RESOLVE_SECONDS: Final = 120.0

_NOT_FOR_OBSERVERS: Final = frozenset({
    "accept-encoding", "authorization", "connection", "content-encoding", "content-length", "content-type", "expect",
    "host", "idempotency-key", "keep-alive", "proxy-authorization", "te", "trailer", "transfer-encoding", "upgrade",
})  # fmt: skip
"""Fields that say whose call this is, whether it is the same one, and where its bytes begin and end."""
_FIELD_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # a token of RFC 9110 §5.6.2


@raises_without_values
class BaseClient(Generic[StateT]):
    """Holds everything but the loop that waits. ``_state`` is shared with every view of this client."""

    def __init__(self, state: StateT, observers: Sequence[Observer]) -> None:
        self._state = state
        self._observers = tuple(observers)

    @property
    def config(self) -> ClientConfig:
        """The settings in force: what ``set_api_key``, ``set_region`` and ``base_url`` changed stands in it."""
        return self._state.config

    @property
    def base_url(self) -> str:
        """Where the next calls go. Assigning checks it: ``ConfigurationError`` unless https, or http on loopback."""
        return self._state.base_url

    @base_url.setter
    def base_url(self, url: str) -> None:
        self._state.use_base_url(url)

    @property
    def headers(self) -> RequestHeaders:
        """The header fields of every request; add your own. An API key that may change by itself is not among them."""
        return self._state.headers

    def set_api_key(self, api_key: ApiKey) -> None:
        """Use another key, or source of keys, from the next call on; ``ConfigurationError`` if it cannot be one."""
        self._state.use_key(api_key)

    def set_region(self, region: str) -> None:
        """Send the next calls to a region (``us-east``, ``eu-west``, ``ap-south``)."""
        self._state.use_region(region)

    def verify_webhook_signature(
        self,
        header: SignatureHeader,
        payload: bytes | str,
        get_secret_by_kid: SecretSource,
        tolerance_seconds: float = 300,
    ) -> bool:
        """See ``molam_sdk.webhooks.verify_molam_signature``."""
        from .webhooks import verify_molam_signature

        return verify_molam_signature(header, payload, get_secret_by_kid, tolerance_seconds)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a client holds connections and does not pickle: make one in each process, from its config")

    def __repr__(self) -> str:
        state = "closed" if self._state.closed.is_set() else "open"
        return f"<{type(self).__name__} {self._state.base_url} {state}>"

    def _passage(self) -> Gate | None:
        """The gate of one call; none unless the client stands behind a breaker."""
        return None

    def in_doubt(self) -> tuple[Doubt, ...]:
        """The calls of this client whose end is not known, the oldest first: what ``resolve`` is for."""
        return self._state.doubts.all()

    def _begin(
        self,
        invocation: Invocation[T],
        timeout: float | None,
        resolving: Doubt | None = None,
        same_account: bool = False,
        *,
        known: Doubt | None = None,
        recalled: bool = False,
    ) -> Call[T]:
        """``known``: what the journal says is in doubt. ``recalled``: nothing will be sent, so nothing is refused."""
        state = self._state
        if state.closed.is_set():
            closed = ClientClosedError("this client was closed, and closing is final")
            state.doubts.tell(invocation, closed)
            raise closed
        deadline = deadline_of(state, invocation, timeout)
        models.load()  # before anything is sent: an import that fails must not cost the answer of a payment
        base_url, key = state.base_url, state.key
        headers = _request_headers(invocation, state.headers, key)
        if state.config.api_key is None:
            _refuse_without_key(headers)
        left = state.doubts.begin(invocation) if invocation.idempotency_key is not None else None
        doubt = stronger(resolving, left) if resolving is not None else left
        if known is not None:
            doubt = stronger(known, doubt)
        if doubt is not None and not recalled:
            account = None if same_account else account_of(headers)
            try:
                refuse_unless_safe(doubt, state.doubts.age(doubt.idempotency_key), account, base_url)
            except RequestValidationError:
                state.doubts.end(invocation, left, settled=False)
                raise
        operation, switches = invocation.operation, state.switches
        switched_off = None if switches is None or recalled else switches.gate(operation.group, operation.name)
        # From here on nothing is refused: what was told of a call's start is told of its end.
        start = self._start_observing(invocation, headers) if self._observers else None
        return Call(
            invocation,
            Request(invocation.operation.method, base_url + invocation.path, headers, invocation.body, deadline),
            state.settings if resolving is None else state.resolve_settings,
            doubt=doubt,
            doubts=state.doubts,
            gate=switched_off or self._passage(),
            account=None if doubt is None or same_account else doubt.account,
            ask_api_key=key.ask,
            discard_connections=state.discard_connections,
            notify=self._tell_observers if self._observers else None,
            start=start,
        )

    def _start_observing(self, invocation: Invocation[Any], headers: dict[str, str]) -> CallStart:
        operation = invocation.operation
        start = CallStart(operation.name, operation.group, operation.method, invocation.idempotency_key)
        for observer in self._observers:
            try:
                if fields := observer.call_started(start):
                    headers.update(_allowed(fields, observer))
            except Exception as problem:
                if raised_from_outside(problem):
                    raise
                _log_failure(observer)
        return start

    def _tell_observers(self, record: CallRecord) -> None:
        interruption: Exception | None = None
        for observer in self._observers:
            try:
                observer.call_ended(record)
            except Exception as problem:  # noqa: BLE001 - it is logged, or raised when the others have been told
                if raised_from_outside(problem):
                    interruption = problem
                else:
                    _log_failure(observer)
        if interruption is not None:
            raise interruption


def _request_headers(invocation: Invocation[Any], defaults: RequestHeaders, key: ApiKeySource) -> dict[str, str]:
    headers = dict(defaults)
    if "Authorization" not in headers and (authorization := key.authorization()):
        headers["Authorization"] = authorization
    if invocation.body is None:
        headers.pop("Content-Type", None)
    if invocation.idempotency_key is not None:
        headers["Idempotency-Key"] = invocation.idempotency_key
    return headers


def _refuse_without_key(headers: Mapping[str, str]) -> None:
    """A merchant's own Authorization among ``client.headers`` counts as a key."""
    if "Authorization" not in headers:
        raise ConfigurationError(
            "no API key: set MOLAM_API_KEY for ClientConfig.from_env(), give ClientConfig(api_key=…), or call "
            "client.set_api_key(…)"
        )


def _allowed(fields: Mapping[str, str], observer: Observer) -> Iterator[tuple[str, str]]:
    """The fields of an observer that may go along; the others are logged and left out, the payment goes on."""
    for name, value in fields.items():
        sendable = _FIELD_NAME.fullmatch(name) and value.isascii() and value.isprintable()
        if not sendable or name.lower() in _NOT_FOR_OBSERVERS:
            log(logging.WARNING, "observer %s may not set the header %s", type(observer).__name__, ascii(name)[1:-1])
        else:
            yield name, value


def _log_failure(observer: Observer) -> None:
    log(logging.ERROR, "an observer failed", exc_info=True, facts={"observer": type(observer).__name__})


def deadline_of(state: ClientState, invocation: Invocation[Any], timeout: float | None) -> float:
    """When a call must have ended, by the client's clock; an error about its ``timeout`` says what is in doubt."""
    try:
        return state.clock() + seconds_of(timeout, state.config.timeout_total)
    except RequestValidationError as refused:
        state.doubts.tell(invocation, refused)
        raise


def seconds_of(timeout: float | None, default: float) -> float:
    """The most seconds that a call may take; ``RequestValidationError`` unless positive."""
    if timeout is None:
        return default
    if isinstance(timeout, bool) or not isinstance(timeout, int | float) or not 0 < timeout <= MOST_SECONDS:
        raise RequestValidationError(f"timeout must be a positive number of seconds, at most {MOST_SECONDS:g}")
    return timeout
