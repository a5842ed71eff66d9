"""Everything this SDK raises, as one tree.

::

    MolamError                      catch this: every error of the SDK
    ├── ConfigurationError          the client was set up wrongly; nothing was sent
    ├── RequestValidationError      the arguments of a call are wrong; nothing was sent
    ├── ClientClosedError           the client was used after close(); nothing was sent
    ├── JournalError                the journal cannot be written or read; nothing was sent
    ├── BulkheadFullError           too many calls of this group are in flight; nothing was sent
    ├── SwitchedOffError            somebody has switched calls of this kind off; nothing was sent
    ├── CircuitOpenError            the breaker refused the call; nothing was sent
    ├── NetworkError                no answer: look at ``outcome``
    │   └── MolamTimeoutError       no answer in time: look at ``outcome``
    ├── ResponseError               an answer that cannot be read, or to another request: look at ``outcome``
    ├── APIError                    an error, answered under an error status or under a 2xx
    │   ├── InvalidRequestError     400, 422 and every 4xx without a class: correct the request
    │   ├── AuthenticationError     401: correct the API key
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
    Molam answered with a definite no. No money moved. An answer that is not Molam's is never taken for it.
``unknown``
    it may have happened. Ask again with the same idempotency key: ``client.resolve(error)``.
``accepted``
    Molam said yes, but the answer could not be read. Money moved: ``client.resolve(error)`` reads it again.
"""

from __future__ import annotations

import builtins
from collections.abc import Mapping
from typing import Any

from ._molam_error import MolamError as MolamError
from ._molam_error import rebuild as _rebuild  # noqa: F401 # pyright: ignore[reportUnusedImport]  # pickles name it here
from ._outcome import Doubt as Doubt
from ._outcome import Outcome as Outcome
from ._outcome import SentRequest as SentRequest
from ._pybreaker import CircuitBreakerError


class ConfigurationError(MolamError):
    """The client was set up wrongly. Outcome ``not_sent``."""

    advice = "Correct the configuration: nothing was sent."
    outcome: Outcome = "not_sent"


class RequestValidationError(MolamError, ValueError):
    """An argument of a call is wrong; the message names it and says what is allowed. Outcome ``not_sent``."""

    advice = "Correct the arguments: nothing was sent."
    outcome: Outcome = "not_sent"


class ClientClosedError(MolamError):
    """The client was closed, and closing is final. Outcome ``not_sent``."""

    advice = "Make a new client: nothing was sent."
    outcome: Outcome = "not_sent"


class JournalError(MolamError):
    """The journal cannot be written or read, so the call was not sent. Outcome ``not_sent``.

    Unless an earlier call under the same key left it unknown. Its ``__cause__`` is what the database said.
    """

    advice = "Nothing was sent: mend the journal's database, then call again with the same idempotency key."


class BulkheadFullError(MolamError):
    """Too many calls of this group are in flight (``ClientConfig.bulkheads``). Outcome ``not_sent``."""

    advice = "Nothing was sent: try again when calls in flight have ended, or raise the limit."


class SwitchedOffError(MolamError):
    """Somebody has switched this group or operation off (``ClientConfig.switches``, ``switches_file``,
    ``switched_off``). Outcome ``not_sent``, unless an earlier call under this key was in doubt."""

    advice = "Nothing was sent: ask whoever switched it off, and call again when it is on."


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

    After a 2xx of Molam's the outcome is ``accepted``: it happened. A page, or the answer to another request, leaves it
    ``unknown``. ``body`` holds what could be read of it.
    """

    advice = "The answer could not be read. Report it to Molam with the request id."

    def __init__(
        self,
        message: str = "",
        *facts: object,
        status_code: int | None = None,
        body: bytes = b"",
        outcome: Outcome | None = None,
    ) -> None:
        self.status_code = status_code
        self.body = body
        super().__init__(message, *facts, outcome=outcome)

    def _headline(self) -> str:
        return f"{self.status_code} {super()._headline()}" if self.status_code else super()._headline()


class APIError(MolamError):
    """Molam answered with an error status.

    ``code`` is the machine-readable reason (``card_declined``), ``param`` the parameter it is about,
    ``body`` the parsed body (a mapping), or its text where it was not JSON.
    """

    advice = "Correct the cause that the message names, then call again."
    outcome: Outcome = "rejected"

    def __init__(
        self,
        status_code: int | str = "",
        message: str = "",
        body: Mapping[str, Any] | str | None = None,
        request_id: str | None = None,
        *facts: object,
        code: str | None = None,
        param: str | None = None,
    ) -> None:
        from_text = not isinstance(status_code, int)
        self.status_code: int = status_code if isinstance(status_code, int) else 0
        self.body = body
        self.request_id = request_id
        self.code = code
        self.param = param
        super().__init__(str(status_code) if from_text else message, *facts)
        if not facts:
            self.args = (status_code, message, body, request_id)
            if from_text:
                self.outcome = "unknown"

    def _words(self) -> tuple[object, ...]:
        return (self.status_code, self.message, self.body, self.request_id)

    def _headline(self) -> str:
        status = f"{self.status_code} " if self.status_code else ""
        code = f"{self.code}: " if self.code else ""
        return f"{status}{code}{super()._headline()}"

    def _facts(self) -> list[tuple[str, object]]:
        return [("param", self.param), *super()._facts()]


class InvalidRequestError(APIError):
    """400, 422 or another 4xx: the request is wrong. Outcome ``rejected``."""

    advice = "Correct the request: sending it again as it is will fail again."


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
    """A webhook whose signature, time or body cannot be trusted: do nothing.

    ``reason`` is a word of ``molam_sdk.webhooks.Refusal``. Answer 400 to ``missing_header``, ``malformed_header``,
    ``mismatch`` and ``too_large``; answer 503 to the others, which may be your own fault, so that Molam sends it again.
    """

    advice = "Do not act on this webhook."
    outcome: Outcome = "not_sent"
    reason: str = "no_event"

    def __str__(self) -> str:
        return self.message
