"""Everything this SDK raises, as one tree.

::

    MolamError                      catch this: every error of the SDK
    ├── ConfigurationError          the client was set up wrongly; nothing was sent
    ├── RequestValidationError      the arguments of a call are wrong; nothing was sent
    ├── ClientClosedError           the client was used after close(); nothing was sent
    ├── BulkheadFullError           too many calls of this group are in flight; nothing was sent
    ├── CircuitOpenError            the breaker refused the call; nothing was sent
    ├── NetworkError                no answer: look at ``outcome``
    │   └── MolamTimeoutError       no answer in time: look at ``outcome``
    ├── ResponseError               an answer that cannot be read; after a 2xx the money HAS moved
    ├── APIError                    an error, answered under an error status or under a 2xx
    │   ├── InvalidRequestError     400, 422 and every 4xx without a class: mend the request
    │   ├── AuthenticationError     401: mend the API key
    │   ├── DeclinedError           402: declined; ask for another way to pay
    │   ├── PermissionDeniedError   403: this key may not do this
    │   ├── NotFoundError           404: no such object
    │   ├── ConflictError           409: the object is in another state
    │   ├── IdempotencyError        409, 422: this key runs already, or was used with another body
    │   ├── RateLimitError          429: slow down
    │   ├── RedirectError           3xx: never followed
    │   └── ServerError             5xx: Molam or a gateway failed; the outcome is unknown
    └── WebhookVerificationError    a webhook that must not be believed

Every error says in ``outcome`` whether the request took effect, all attempts of the call together:

``not_sent``
    no byte of it left this process. No money moved.
``rejected``
    Molam answered with a definite no. No money moved.
``unknown``
    it may have happened. Ask again with the same idempotency key: ``client.resolve(error)``.
``accepted``
    Molam said yes, but the answer could not be read. Money moved: ``client.resolve(error)`` reads it again.
"""

from __future__ import annotations

import builtins
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from ._pybreaker import CircuitBreakerError

Outcome = Literal["not_sent", "rejected", "unknown", "accepted"]


@dataclass(frozen=True, slots=True)
class SentRequest:
    """What a failed call asked for, so that ``client.resolve(error)`` can ask the very same again.

    ``body`` holds the exact bytes and may hold personal data; it is left out of the repr.
    """

    operation: str
    method: str
    path: str
    body: bytes | None = field(repr=False)
    idempotency_key: str | None


class MolamError(Exception):
    """Any error of this SDK. Pickles and copies whole.

    ``outcome`` is about the whole call, all its attempts together. ``elapsed`` and ``retry_after`` are
    seconds; ``occurred_at`` is a Unix time in seconds. ``attempts`` counts requests that were tried.
    """

    advice = "Read the message, mend the cause, and call again."

    outcome: Outcome = "not_sent"
    operation: str | None = None
    idempotency_key: str | None = None
    request_id: str | None = None
    attempts: int = 0
    elapsed: float = 0.0
    retry_after: float | None = None
    request: SentRequest | None = None

    def __init__(self, message: str = "", *, outcome: Outcome | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.occurred_at = time.time()
        if outcome is not None:
            self.outcome = outcome

    @property
    def money_may_have_moved(self) -> bool:
        """Whether this call may have moved money: never after a GET, nor after a definite no."""
        reads_only = self.request is not None and self.request.method == "GET"
        return self.outcome in ("unknown", "accepted") and not reads_only

    @property
    def next_step(self) -> str:
        """One sentence that says what to do now."""
        if self.outcome in ("unknown", "accepted") and not self.money_may_have_moved:
            return "A read moves no money: call again."
        if not self.money_may_have_moved:
            return self.advice
        key = f"idempotency key {self.idempotency_key!r}" if self.idempotency_key else "idempotency key"
        if self.outcome == "accepted":
            return f"Molam carried this out. Read the result with client.resolve(error): same {key}, never a new one."
        return f"It may have happened. Ask again with client.resolve(error) or the same {key}, never a new one."

    def __str__(self) -> str:
        facts = [f"outcome={self.outcome}"]
        facts += [f"{name}={value}" for name, value in self._facts() if value]
        return f"{self._headline()} ({', '.join(facts)}). {self.next_step}"

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.args, self.__dict__.copy())

    def _headline(self) -> str:
        return self.message.rstrip(".") or type(self).__name__

    def _facts(self) -> list[tuple[str, object]]:
        return [
            ("operation", self.operation),
            ("request_id", self.request_id),
            ("idempotency_key", self.idempotency_key),
            ("attempts", self.attempts if self.attempts > 1 else None),
            ("retry_after", self.retry_after),
        ]


def _rebuild(cls: type[MolamError], args: tuple[object, ...], state: dict[str, Any]) -> MolamError:
    error = cls.__new__(cls, *args)
    error.args = args  # OSError, which a timeout is, keeps none of those that __new__ was given
    error.__dict__.update(state)
    return error


class ConfigurationError(MolamError):
    """The client was set up wrongly. Outcome ``not_sent``."""

    advice = "Mend the configuration: nothing was sent."


class RequestValidationError(MolamError, ValueError):
    """An argument of a call is wrong; the message names it and says what is allowed. Outcome ``not_sent``."""

    advice = "Mend the arguments: nothing was sent."


class ClientClosedError(MolamError):
    """The client was closed, and closing is final. Outcome ``not_sent``."""

    advice = "Make a new client: nothing was sent."


class BulkheadFullError(MolamError):
    """Too many calls of this group are in flight (``ClientConfig.bulkheads``). Outcome ``not_sent``."""

    advice = "Nothing was sent: try again when calls in flight have ended, or raise the limit."


class CircuitOpenError(MolamError, CircuitBreakerError):
    """The breaker is open, or its half-open probes are taken. ``retry_after`` says when it lets calls through.

    Outcome ``not_sent``, unless an earlier attempt of the same call left it unknown.
    """

    advice = "Nothing was sent: Molam has been failing. Try again after retry_after seconds."


class NetworkError(MolamError):
    """No answer came: DNS, connection, TLS, reset, or an answer cut short. Look at ``outcome``."""

    advice = "Nothing happened at Molam: check the network, then call again with the same idempotency key."


class MolamTimeoutError(NetworkError, builtins.TimeoutError):
    """The call ran out of time. Look at ``outcome``."""

    advice = "Nothing happened at Molam: call again with the same idempotency key, or allow more time."


TimeoutError = MolamTimeoutError


class ResponseError(MolamError):
    """An answer came that cannot be read: not JSON, another shape, too large, or not HTTP at all.

    After a 2xx the outcome is ``accepted``: it happened. ``body`` holds what could be read of it.
    """

    advice = "The answer could not be read. Report it to Molam with the request id."

    def __init__(self, message: str = "", *, status_code: int | None = None, body: bytes = b"") -> None:
        super().__init__(message)
        self.status_code = status_code
        self.body = body

    def _headline(self) -> str:
        return f"{self.status_code} {super()._headline()}" if self.status_code else super()._headline()


class APIError(MolamError):
    """Molam answered with an error status.

    ``code`` is the machine-readable reason (``card_declined``), ``param`` the parameter it is about,
    ``body`` the parsed body (a mapping), or its text where it was not JSON.
    """

    advice = "Mend the cause that the message names, then call again."
    outcome: Outcome = "rejected"

    def __init__(
        self,
        status_code: int,
        message: str = "",
        body: Mapping[str, Any] | str | None = None,
        request_id: str | None = None,
        *,
        code: str | None = None,
        param: str | None = None,
    ) -> None:
        super().__init__(message)
        self.args = (status_code, message, body, request_id)
        self.status_code = status_code
        self.body = body
        self.request_id = request_id
        self.code = code
        self.param = param

    def _headline(self) -> str:
        code = f" {self.code}:" if self.code else ""
        return f"{self.status_code}{code} {super()._headline()}"

    def _facts(self) -> list[tuple[str, object]]:
        return [("param", self.param), *super()._facts()]


class InvalidRequestError(APIError):
    """400, 422 or another 4xx: the request is wrong. Outcome ``rejected``."""

    advice = "Mend the request: sending it again as it is will fail again."


class AuthenticationError(APIError):
    """401: the API key is missing, wrong or revoked. Outcome ``rejected``."""

    advice = "Check the API key and that it belongs to this environment."


class DeclinedError(APIError):
    """402: the payment was declined; ``code`` says why. Outcome ``rejected``."""

    advice = "No money moved: ask the customer for another way to pay, with a new idempotency key."


class PermissionDeniedError(APIError):
    """403: this key may not do this. Outcome ``rejected``."""

    advice = "Give the key the scope it lacks, or use another key."


class NotFoundError(APIError):
    """404: no such object for this key. Outcome ``rejected``."""

    advice = "Check the id, and that the key belongs to the environment the object was made in."


class ConflictError(APIError):
    """409: the object is in a state that forbids this. Outcome ``rejected``."""

    advice = "Retrieve the object, look at its status, and decide again."


class IdempotencyError(APIError):
    """409 ``idempotency_in_progress`` (outcome ``unknown``) or 422 ``idempotency_key_reused`` (``rejected``)."""

    advice = "This key was used with another body: look up what it did before you choose a new key."


class RateLimitError(APIError):
    """429: too many requests; ``retry_after`` says for how long. Outcome ``rejected``."""

    advice = "Slow down, and call again after retry_after seconds with the same idempotency key."


class RedirectError(APIError):
    """3xx: this SDK follows no redirect, since that would send the key and the payment elsewhere."""

    advice = "Check base_url: something between here and Molam answers with redirects."
    outcome: Outcome = "unknown"


class ServerError(APIError):
    """5xx: Molam or a gateway failed. Outcome ``unknown``."""

    advice = "Molam failed to answer: call again later."
    outcome: Outcome = "unknown"


class WebhookVerificationError(MolamError):
    """A webhook whose signature, time or body cannot be trusted: answer 400 and do nothing."""

    advice = "Do not act on this webhook."

    def __str__(self) -> str:
        return self.message
