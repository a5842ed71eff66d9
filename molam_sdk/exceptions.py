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
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal, cast

from . import _error_facts
from ._json_safe import encode
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


@dataclass(frozen=True, slots=True)
class Doubt:
    """A call whose end is not known: what ``client.in_doubt()`` lists, and ``client.resolve`` takes.

    ``first_used_at``: when its idempotency key was first used, a Unix time in seconds. ``account``: a fingerprint.
    """

    outcome: Outcome
    request: SentRequest
    first_used_at: float
    account: str | None
    base_url: str | None

    @property
    def idempotency_key(self) -> str | None:
        """The key to ask again under: ``client.resolve(doubt.idempotency_key)``."""
        return self.request.idempotency_key


_WORDS: Final = BaseException.__dict__["args"]
_OUTCOME_IN_TEXT: Final = "(outcome="


class MolamError(Exception):
    """Any error of this SDK. Pickles and copies whole, and travels as JSON: ``to_dict``, ``from_dict``.

    ``outcome`` is about the whole call, all its attempts together. ``elapsed`` and ``retry_after`` are
    seconds; ``occurred_at`` and ``first_used_at``, when the idempotency key was used for the first time, are
    Unix times in seconds. ``attempts`` counts requests that were tried. ``account`` is a fingerprint of the
    account (never the API key) and ``base_url`` the address that the call was made to.

    An error that is made from a text alone, as queues and loggers do, is ``unknown``: its facts are lost.
    """

    advice = "Read the message, correct the cause, and call again."

    outcome: Outcome = "unknown"
    operation: str | None = None
    idempotency_key: str | None = None
    request_id: str | None = None
    attempts: int = 0
    elapsed: float = 0.0
    retry_after: float | None = None
    first_used_at: float | None = None
    account: str | None = None
    base_url: str | None = None
    request: SentRequest | None = None

    def __init__(self, message: str = "", *facts: object, outcome: Outcome | None = None) -> None:
        super().__init__(message)
        self.message = str(message)
        self.occurred_at = time.time()
        if outcome is not None:
            self.outcome = outcome
        elif _OUTCOME_IN_TEXT in self.message:  # the text of another error, so not what it knew
            self.outcome = "unknown"
        if facts:
            self._take(facts)

    if not TYPE_CHECKING:  # which sees the variable of BaseException: it is read and set like one

        @property
        def args(self) -> tuple[Any, ...]:
            """What makes this error again: ``type(error)(*error.args)``, which is what Celery keeps of an error.

            Where a call has filled the error, the last is ``to_dict()`` and the others are plain JSON too.
            """
            words = self._own_words()
            if not self._knows_more():
                return words
            return (*(encode(word) for word in words), self.to_dict())

        @args.setter
        def args(self, words: tuple[object, ...]) -> None:
            _WORDS.__set__(self, words)

    @property
    def class_name(self) -> str:
        """The name of the class it was raised as, also where that class is not known here."""
        return str(self.__dict__.get("_class_name", type(self).__name__))

    @property
    def causes(self) -> tuple[str, ...]:
        """Class and text of the errors that this one came of, the nearest first; kept by copies, pickles and JSON."""
        return tuple(_error_facts.causes_of(self)) or self.__dict__.get("_causes", ())

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
        if self.operation is None and self.request is None and self.idempotency_key is None:
            return (
                "The facts of the call are lost, and it may have happened: look it up with the list operations, "
                "or ask again with the same idempotency key, never a new one."
            )
        key = f"idempotency key {self.idempotency_key!r}" if self.idempotency_key else "idempotency key"
        if self.outcome == "accepted":
            return f"Molam carried this out. Read the result with client.resolve(error): same {key}, never a new one."
        return f"It may have happened. Ask again with client.resolve(error) or the same {key}, never a new one."

    def to_dict(self) -> dict[str, object]:
        """Everything this error knows, as ``json.dumps(…, allow_nan=False)`` takes it; ``from_dict`` makes it again.

        It holds the body that was sent, and so perhaps personal data, but never the API key.
        """
        return {
            "v": _error_facts.VERSION,
            "class": self.class_name,
            "bases": [kind.__name__ for kind in type(self).__mro__ if kind.__module__ == __name__],
            **_error_facts.write(self),
            "request": _error_facts.write_request(self.request),
            "causes": list(self.causes),
            "notes": [str(note) for note in getattr(self, "__notes__", ())],
        }

    @classmethod
    def from_dict(cls, facts: Mapping[str, object]) -> MolamError:
        """The error that ``to_dict`` wrote; of its nearest class in this SDK, its own name in ``class_name``.

        Never raises: of what cannot be read, or was written by a newer SDK, comes a plain ``MolamError`` whose
        outcome is ``unknown``. Nothing named in ``facts`` is imported or run.
        """
        try:
            kind = _class_of(_error_facts.check_version(facts))
            error = kind.__new__(kind)
            error._restore(facts)
        except (ValueError, RecursionError) as problem:
            return _lost(facts, problem)
        return error

    def __str__(self) -> str:
        facts = [f"{name}={value}" for name, value in self._facts() if value]
        return f"{self._headline()} {', '.join((_OUTCOME_IN_TEXT + self.outcome, *facts))}). {self.next_step}"

    def __reduce__(self) -> tuple[Any, ...]:
        causes = self.causes
        state = self.__dict__ | {"_causes": causes} if causes else self.__dict__.copy()
        return _rebuild, (type(self), self._own_words(), state)

    def _own_words(self) -> tuple[Any, ...]:
        return cast("tuple[Any, ...]", _WORDS.__get__(self))

    def _knows_more(self) -> bool:
        """Whether the words it was made of would not make it again."""
        return "outcome" in self.__dict__ or bool(self.operation or self.request or self.idempotency_key)

    def _words(self) -> tuple[object, ...]:
        return (self.message,)

    def _take(self, facts: tuple[object, ...]) -> None:
        """Take the facts that ``args`` put last; whatever else stands there leaves an error without facts."""
        try:
            self._restore(_error_facts.check_version(facts[-1]))
        except (ValueError, RecursionError):
            self.outcome = "unknown"

    def _restore(self, facts: Mapping[str, object]) -> None:
        state = _error_facts.read(facts)
        request = _error_facts.read_request(facts)
        if request is not None:
            state["request"] = SentRequest(**cast("dict[str, Any]", request))
        for name, lines in (("_causes", "causes"), ("__notes__", "notes")):
            if found := _error_facts.texts(facts, lines):
                state[name] = list(found) if lines == "notes" else found
        if facts.get("class") != type(self).__name__:
            state["_class_name"] = str(facts.get("class"))
        self.__dict__.update(state)
        self.args = self._words()

    def _headline(self) -> str:
        return self.message.rstrip(".") or type(self).__name__

    def _facts(self) -> list[tuple[str, object]]:
        return [
            ("class", self.__dict__.get("_class_name")),
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


def _class_of(facts: Mapping[str, object]) -> type[MolamError]:
    """The nearest class of this SDK among those that the error was of, by name alone."""
    known = _classes(MolamError)
    return next((known[name] for name in _error_facts.texts(facts, "bases") if name in known), MolamError)


def _classes(kind: type[MolamError]) -> dict[str, type[MolamError]]:
    found = {kind.__name__: kind}
    for child in kind.__subclasses__():
        if child.__module__ == __name__:
            found |= _classes(child)
    return found


def _lost(facts: object, problem: Exception) -> MolamError:
    """An error that says only that there was one, and what can still be found of it by hand."""
    error = MolamError(f"an error that cannot be read: {problem}", outcome="unknown")
    for name in ("idempotency_key", "request_id", "operation"):
        value = facts.get(name) if isinstance(facts, Mapping) else None
        if isinstance(value, str):
            setattr(error, name, value)
    return error


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
    """A webhook whose signature, time or body cannot be trusted: answer 400 and do nothing."""

    advice = "Do not act on this webhook."
    outcome: Outcome = "not_sent"

    def __str__(self) -> str:
        return self.message
