"""What every error of this SDK knows and says, and how it travels: as args, pickle, copy and JSON."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, cast

from . import _error_facts
from ._json_safe import encode
from ._outcome import PUBLIC_MODULE, Outcome, SentRequest

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

    __module__ = PUBLIC_MODULE

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
        from .redaction import redact_text  # when somebody asks, not at import

        return tuple(map(redact_text, _error_facts.causes_of(self))) or self.__dict__.get("_causes", ())

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
            "bases": [kind.__name__ for kind in type(self).__mro__ if kind.__module__ == PUBLIC_MODULE],
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
        return rebuild, (type(self), self._own_words(), state)

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


def rebuild(cls: type[MolamError], args: tuple[object, ...], state: dict[str, Any]) -> MolamError:
    error = cls.__new__(cls, *args)
    error.args = args  # OSError, which a timeout is, keeps none of those that __new__ was given
    error.__dict__.update(state)
    return error


rebuild.__module__, rebuild.__qualname__ = PUBLIC_MODULE, "_rebuild"  # what pickles name, those of older SDKs too


def _class_of(facts: Mapping[str, object]) -> type[MolamError]:
    """The nearest class of this SDK among those that the error was of, by name alone."""
    known = _classes(MolamError)
    return next((known[name] for name in _error_facts.texts(facts, "bases") if name in known), MolamError)


def _classes(kind: type[MolamError]) -> dict[str, type[MolamError]]:
    found = {kind.__name__: kind}
    for child in kind.__subclasses__():
        if child.__module__ == PUBLIC_MODULE:
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
