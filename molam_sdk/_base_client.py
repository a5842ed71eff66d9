"""What the blocking and the asyncio client share: configuration, headers, and how a call begins."""

from __future__ import annotations

import logging
import platform
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeVar

from ._core.call import Call, CallSettings
from ._core.invocation import Invocation
from ._core.operations import BY_NAME, GROUPS
from ._core.record import CallRecord, CallStart, Gate, Observer
from ._core.retry import RetryBudget, RetryPolicy
from ._core.wire import Request
from ._forks import renew_after_fork
from ._version import version
from .config import ApiKey, ClientConfig, check_api_key, check_base_url, region_url
from .exceptions import ClientClosedError, ConfigurationError, MolamError, Outcome, RequestValidationError

if TYPE_CHECKING:
    from .webhooks import SecretSource, SignatureHeader

T = TypeVar("T")

_logger = logging.getLogger("molam_sdk")

KEY_LIFETIME_SECONDS: Final = 24 * 3600
_KEY_LIFETIME_MARGIN: Final = 3600
RESOLVE_SECONDS: Final = 120.0
_LEAST_PATIENT_BACKOFF: Final = 0.1
_RESERVED_HEADERS: Final = {"host", "content-length", "transfer-encoding", "authorization", "idempotency-key"}
_NOT_SENT: Final[Outcome] = "not_sent"


class Headers(dict[str, str]):
    """The header fields of every request: a plain dict whose repr does not show the key."""

    def __repr__(self) -> str:
        return repr({name: "***" if name.lower() == "authorization" else value for name, value in self.items()})


class ApiKeySource:
    """The API key: fixed, or asked of a callable at first use and once more after a 401."""

    def __init__(self, key: ApiKey) -> None:
        self._ask = key if callable(key) else None
        self._key = None if key is None or callable(key) else check_api_key(key)
        self._lock = threading.Lock()
        renew_after_fork(self)

    def authorization(self) -> str | None:
        """The Authorization header; None where there is no key."""
        if self._key is None and self._ask is not None:
            with self._lock:
                if self._key is None:
                    self._key = check_api_key(self._ask())
        return None if self._key is None else f"Bearer {self._key}"

    def renewed(self, refused: str) -> str | None:
        """The header after ``refused`` was answered 401: asks again unless another thread just has."""
        if self._ask is None:
            return None
        with self._lock:
            if f"Bearer {self._key}" == refused:
                self._key = check_api_key(self._ask())
        return None if f"Bearer {self._key}" == refused else f"Bearer {self._key}"

    def after_fork(self) -> None:
        """A thread of the parent may have held the lock."""
        self._lock = threading.Lock()


class BaseClient:
    """Holds everything but the loop that waits."""

    def __init__(self, config: ClientConfig, clock: Callable[[], float], observers: Sequence[Observer]) -> None:
        self.config = config
        self.base_url = self.config.url
        self.headers = Headers(_default_headers(self.config))
        self._clock = clock
        self._observers = tuple(observers)
        self._closed = threading.Event()  # shared with views of this client
        self._budget = RetryBudget(self.config.retry_budget)
        renew_after_fork(self._budget)
        self._settings = self._call_settings(_policy_of(self.config), self._budget)
        self._resolve_settings = self._call_settings(_patient(_policy_of(self.config)), None, resolving=True)
        for group in self.config.bulkheads:
            if group not in GROUPS:
                raise ConfigurationError(f"bulkheads: unknown group {group!r}, use {', '.join(GROUPS)}")
        self._use_key(self.config.api_key)

    def set_api_key(self, api_key: ApiKey) -> None:
        """Use another key from the next call on; ``ConfigurationError`` if it cannot be one."""
        self._use_key(api_key)

    def set_region(self, region: str) -> None:
        """Send the next calls to a region (``us-east``, ``eu-west``, ``ap-south``)."""
        self.base_url = region_url(region)

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
        state = "closed" if self._closed.is_set() else "open"
        return f"<{type(self).__name__} {self.base_url} {state}>"

    def _passage(self) -> Gate | None:
        """The gate of one call; none unless the client stands behind a breaker."""
        return None

    def _begin(self, invocation: Invocation[T], timeout: float | None, resolving: MolamError | None = None) -> Call[T]:
        if self._closed.is_set():
            raise ClientClosedError("this client was closed, and closing is final")
        deadline = self._clock() + _seconds(timeout, self.config.timeout_total)
        url = check_base_url_once(self.base_url) + invocation.path
        headers = self._request_headers(invocation)
        # From here on nothing is refused: what was told of a call's start is told of its end.
        notify = self._start_observing(invocation, headers) if self._observers else None
        request = Request(invocation.operation.method, url, headers, invocation.body, deadline)
        settings, outcome = self._settings, _NOT_SENT
        if resolving is not None:
            settings, outcome = self._resolve_settings, resolving.outcome
        return Call(
            invocation,
            request,
            settings,
            outcome=outcome,
            gate=self._passage(),
            renew_authorization=self._refresh_key,
            notify=notify,
        )

    def _call_settings(
        self, policy: RetryPolicy, budget: RetryBudget | None, *, resolving: bool = False
    ) -> CallSettings:
        return CallSettings(
            policy=policy,
            budget=budget,
            cost=self.config.retry_cost,
            cost_timeout=self.config.retry_cost_timeout,
            clock=self._clock,
            resolving=resolving,
            trace=_trace_attempt if self.config.debug else None,
        )

    def _request_headers(self, invocation: Invocation[Any]) -> dict[str, str]:
        headers = dict(self.headers)
        if "Authorization" not in headers and (authorization := self._key.authorization()):
            headers["Authorization"] = self.headers["Authorization"] = authorization
        if invocation.body is None:
            headers.pop("Content-Type", None)
        if invocation.idempotency_key is not None:
            headers["Idempotency-Key"] = invocation.idempotency_key
        return headers

    def _refresh_key(self, refused: str) -> str | None:
        authorization = self._key.renewed(refused)
        if authorization is not None:
            self.headers["Authorization"] = authorization
        return authorization

    def _use_key(self, api_key: ApiKey) -> None:
        self._key = ApiKeySource(api_key)
        self.headers.pop("Authorization", None)
        if not callable(api_key) and (authorization := self._key.authorization()):
            self.headers["Authorization"] = authorization

    def _start_observing(self, invocation: Invocation[Any], headers: dict[str, str]) -> Callable[[CallRecord], None]:
        operation = invocation.operation
        start = CallStart(operation.name, operation.group, operation.method, invocation.idempotency_key)
        for observer in self._observers:
            try:
                _add_headers(headers, observer.call_started(start) or {}, observer)
            except Exception:
                _logger.exception("an observer failed", extra={"observer": type(observer).__name__})
        return self._tell_observers

    def _tell_observers(self, record: CallRecord) -> None:
        for observer in self._observers:
            try:
                observer.call_ended(record)
            except Exception:
                _logger.exception("an observer failed", extra={"observer": type(observer).__name__})


def failed_call(error: BaseException) -> MolamError:
    """The error of a call: this one, or the one that a cancellation, a Ctrl-C or a timeout around the call came of."""
    seen: list[BaseException] = []
    link: BaseException | None = error
    while link is not None and link not in seen:
        if isinstance(link, MolamError) and link.request is not None:
            return link
        seen.append(link)
        link = link.__cause__ or link.__context__
    raise RequestValidationError("this error carries no request that could be asked again")


def invocation_of(error: MolamError) -> Invocation[Any]:
    """The invocation that an error tells of, to be asked again; ``RequestValidationError`` if that is not safe."""
    sent = error.request
    if sent is None or sent.operation not in BY_NAME:
        raise RequestValidationError("this error carries no request that could be asked again")
    age = time.time() - error.occurred_at
    if sent.method != "GET" and age > KEY_LIFETIME_SECONDS - _KEY_LIFETIME_MARGIN:
        raise RequestValidationError(
            f"the error is {age / 3600:.0f} h old and Molam forgets keys after 24 h: "
            "asking again could carry it out twice. Look it up with the list operations instead"
        )
    return Invocation(BY_NAME[sent.operation], sent.path, sent.body, sent.idempotency_key)


def check_base_url_once(url: str) -> str:
    """The base URL, checked again where a merchant has assigned ``client.base_url``."""
    if url not in _checked_urls:
        _checked_urls.add(check_base_url(url))
    return url


_checked_urls: set[str] = set()


def _default_headers(config: ClientConfig) -> dict[str, str]:
    return {
        "User-Agent": f"molam-python-sdk/{version()} python/{platform.python_version()}",
        "Accept": "application/json",
        "Accept-Encoding": "gzip",
        "Accept-Language": config.default_locale,
        "Content-Type": "application/json",
    }


def _add_headers(headers: dict[str, str], added: Mapping[str, str], observer: Observer) -> None:
    """What an observer sends along; the fields that frame and authorize the request are not its to set."""
    for name, value in added.items():
        if name.lower() in _RESERVED_HEADERS:
            _logger.warning("observer %s may not set the header %s", type(observer).__name__, name)
        else:
            headers[name] = value


def _policy_of(config: ClientConfig) -> RetryPolicy:
    return RetryPolicy(
        max_retries=config.max_retries,
        backoff_factor=config.retry_backoff_factor,
        backoff_max=config.retry_backoff_max,
        retry_after_max=config.retry_after_max,
    )


def _patient(policy: RetryPolicy) -> RetryPolicy:
    """For ``resolve``: as often as time allows, waiting as long as Molam asks for, and never without a pause."""
    return RetryPolicy(
        max_retries=1_000_000,
        backoff_factor=max(policy.backoff_factor, _LEAST_PATIENT_BACKOFF),
        backoff_max=max(policy.backoff_max, _LEAST_PATIENT_BACKOFF),
        retry_after_max=float("inf"),
    )


def _seconds(timeout: float | None, default: float) -> float:
    if timeout is None:
        return default
    if isinstance(timeout, bool) or not isinstance(timeout, int | float) or not 0 < timeout < float("inf"):
        raise RequestValidationError(f"timeout must be a positive number of seconds, not {timeout!r}")
    return timeout


def _trace_attempt(operation: str, number: int, code: str) -> None:
    _logger.debug("attempt", extra={"endpoint": operation, "attempt": number, "code": code})
