"""A base for Celery tasks that pay: one idempotency key a task, safe retries, errors that arrive whole."""

from __future__ import annotations

import hashlib
import inspect
import json
import random
import re
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Final, NoReturn, cast

from celery import Task
from celery.exceptions import Reject, SoftTimeLimitExceeded, TaskPredicate

from ..client import MolamClient
from ..exceptions import (
    BulkheadFullError,
    CircuitOpenError,
    ConfigurationError,
    MolamError,
    NetworkError,
)

if TYPE_CHECKING:
    _Task = Task[..., Any]
else:
    _Task = Task

__all__ = ["MolamTask", "idempotency_key_of"]

HEADER: Final = "molam_sdk"
_KEY_SAFE_SECONDS: Final = 23 * 3600  # Molam forgets a key after 24 h, and would then carry it out again
_LONGEST_KEY: Final = 255
_LARGEST_HEADER: Final = 32 * 1024  # what AMQP carries beside a message must fit into one frame
_PLAIN: Final = re.compile(r"[A-Za-z0-9_.-]+")
_LATER: Final = (425, 429)  # refusals that say when to come back: RFC 8470, RFC 6585


def idempotency_key_of(task_id: str, purpose: str = "") -> str:
    """The key of a task, or of one of its calls: the same in every run of it, on every worker."""
    words = [task_id, purpose] if purpose else [task_id]
    key = "/".join(("celery", *words))
    if all(_PLAIN.fullmatch(word) for word in words) and len(key) <= _LONGEST_KEY:
        return key
    return f"celery/sha256:{hashlib.sha256(json.dumps(words).encode()).hexdigest()}"


class MolamTask(_Task):
    """``@app.task(base=MolamTask, bind=True, molam_client=make_client)``; the keys come from the task's id.

    Give each call that changes something a key of its own: ``self.idempotency_key()``,
    ``self.idempotency_key("refund")``. Then the task may run again, after a lost worker or a retry, and nothing is
    done twice. It runs again, at most ``max_retries`` times, when nothing was sent, when it may have happened (same
    key, so Molam answers what it did), and after a 425 or 429 that names a time. A call without such a key is never
    made again. What is in doubt at the end is resolved in the worker, for at most ``resolve_seconds``.
    ``AsyncResult.get()`` raises the ``MolamError`` of the worker with all it knew.

    ``molam_client`` is a ``MolamClient``, or a callable without arguments that returns one; where the task has none,
    ``app.molam_client`` is taken. The result backend then holds the bodies that were sent.
    """

    abstract = True
    acks_late = True
    reject_on_worker_lost = True
    max_retries: int | None = 10
    retry_backoff: float = 1.0
    retry_backoff_max: float = 600.0
    retry_after_max: float = 1800.0
    resolve_seconds: float = 60.0
    molam_client: MolamClient | Callable[[], MolamClient] | None = None

    def idempotency_key(self, purpose: str = "") -> str:
        """The key for a call of this task; name a ``purpose`` where it makes more than one.

        ``ConfigurationError`` outside a worker; ``MolamError`` (``unknown``) where an earlier run may have used the
        key so long ago that Molam has forgotten it.
        """
        request = self.request
        if request.called_directly or not request.id:
            raise ConfigurationError("a task that is called directly has no id: give the call a key of your own")
        key = idempotency_key_of(request.id, purpose)
        if (self._redelivered() or request.retries) and self._key_age() > _KEY_SAFE_SECONDS:
            error = MolamError("an earlier run may have used the key, and Molam forgets keys after 24 h")
            error.idempotency_key = key
            raise error
        self._keys().add(key)
        return key

    def apply_async(self, args: Any = None, kwargs: Any = None, *more: Any, **options: Any) -> Any:
        """As Celery's; the message also says since when the key can have been used."""
        headers = dict(options.get("headers") or {})
        headers.setdefault(HEADER, {"since": _starts_at(options)})
        return super().apply_async(args, kwargs, *more, **{**options, "headers": headers})

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the task; in a worker, with all that is said above."""
        if self.request.called_directly:
            return super().__call__(*args, **kwargs)
        try:
            return self._run_and_recover(args, kwargs)
        except (TaskPredicate, MolamError):  # Retry, Reject and Ignore are no failures
            raise
        except Exception as raised:
            self._settle_earlier_doubts(raised)
            raise

    def _run_and_recover(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        try:
            return self._run_once(args, kwargs)
        except MolamError as error:
            return self._recover(error, args, kwargs)

    def _run_once(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        try:
            return self.run(*args, **kwargs)
        except SoftTimeLimitExceeded as limit:
            interrupted = _interrupted_call(limit)
            if interrupted is None:
                raise
            raise interrupted  # noqa: B904 - the limit is its context; as its cause it would hide why the call failed

    def _recover(self, error: MolamError, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run again later, find out and go on, or raise the error with the truth in it."""
        settled: set[str | None] = set()
        while True:
            doubted = self._doubted_before(error) and error.idempotency_key not in settled
            if doubted:
                error.outcome = "unknown"
            elif self._may_run_again(error):
                self._run_again(error)
            if error.request is None or not error.money_may_have_moved or error.idempotency_key in settled:
                self._give_up(error)
            self._find_out(error)
            settled.add(error.idempotency_key)
            try:
                return self._run_once(args, kwargs)
            except MolamError as other:
                error = other

    def _find_out(self, error: MolamError) -> None:
        """Return if the call was carried out and the task can go on from there; else raise, now or in a retry."""
        answer = self._ask(error)
        if answer is not None:
            if self._may_run_again(answer):
                self._run_again(answer)
            self._give_up(answer)
        if error.idempotency_key not in self._keys():
            error.outcome = "accepted"
            self._give_up(error)

    def _give_up(self, error: MolamError) -> NoReturn:
        self._settle_earlier_doubts(error)
        raise error

    def _ask(self, error: MolamError) -> MolamError | None:
        """Ask what became of a call; None if it was carried out, else the error that knows most."""
        client = self._client()
        if client is None:
            return error
        try:
            client.resolve(error, timeout=self._seconds_to_resolve())
        except MolamError as answer:
            return error if answer.request is None or answer.outcome == "not_sent" else answer
        except SoftTimeLimitExceeded:
            return error
        return None

    def _may_run_again(self, error: MolamError) -> bool:
        own = error.idempotency_key in self._keys() or (_reads(error) and bool(self._keys()))
        left = self.max_retries is None or self.request.retries < self.max_retries
        wait = error.retry_after or 0.0
        young = not error.money_may_have_moved or self._key_age() + wait < _KEY_SAFE_SECONDS
        return own and left and young and wait <= self.retry_after_max and _is_safe(error)

    def _run_again(self, error: MolamError) -> NoReturn:
        backoff = min(self.retry_backoff * 2.0 ** min(self.request.retries, 30), self.retry_backoff_max)
        pause = (error.retry_after or 0.0) + random.uniform(backoff / 2, backoff)  # noqa: S311 - jitter, no secret
        try:
            raise self.retry(exc=error, countdown=pause, headers=self._headers(error))
        except Reject as lost:  # the broker does not take it, so the message at hand must stay
            raise Reject(str(lost), requeue=True) from lost

    def _settle_earlier_doubts(self, raised: BaseException) -> None:
        """What an earlier run left in doubt must not be lost because this one failed of something else."""
        failed_key = raised.idempotency_key if isinstance(raised, MolamError) else None
        for error in self._doubts().values():
            if error.idempotency_key == failed_key:
                continue
            answer = self._ask(error) if error.request is not None else error
            if answer is not None and answer.money_may_have_moved:
                raise answer from raised

    def _doubted_before(self, error: MolamError) -> bool:
        """Whether a definite error follows a run whose end nobody saw: it tells of this run alone."""
        if error.request is None or error.outcome not in ("not_sent", "rejected"):
            return False
        key = error.idempotency_key
        return key in self._keys() and (self._redelivered() or key in self._doubts())

    def _redelivered(self) -> bool:
        delivery: Mapping[str, Any] = self.request.delivery_info or {}
        return bool(delivery.get("redelivered"))

    def _history(self) -> Mapping[str, Any]:
        """What the message says of earlier runs."""
        history = (self.request.headers or {}).get(HEADER)
        return history if isinstance(history, Mapping) else {}

    def _key_age(self) -> float:
        since = self._history().get("since")
        return time.time() - since if isinstance(since, int | float) else 0.0

    def _doubts(self) -> dict[str, MolamError]:
        doubts = self._history().get("doubts")
        return dict(_read_doubts(doubts)) if isinstance(doubts, Mapping) else {}

    def _headers(self, error: MolamError) -> dict[str, Any]:
        """Those of the next message: what is in doubt goes with it, whole where it is small enough."""
        doubts = {key: _write(doubt) for key, doubt in self._doubts().items()}
        if error.money_may_have_moved and error.idempotency_key is not None:
            doubts[error.idempotency_key] = _write(error)
        since = self._history().get("since", error.first_used_at or error.occurred_at)
        return {**(self.request.headers or {}), HEADER: {"since": since, "doubts": doubts}}

    def _keys(self) -> set[str]:
        """The keys that this run has given out."""
        keys: set[str] = self.request.__dict__.setdefault("molam_keys", set())
        return keys

    def _client(self) -> MolamClient | None:
        own: object = inspect.getattr_static(self, "molam_client")  # unbound: a function gets no task
        source = getattr(self.app, "molam_client", None) if own is None else own
        source = source.__func__ if isinstance(source, staticmethod) else source
        found = source() if callable(source) else source
        return cast("MolamClient | None", found)

    def _seconds_to_resolve(self) -> float:
        """Less than what is left between the soft and the hard limit, which kills without a word."""
        hard, soft = self.request.timelimit or (None, None)
        hard, soft = hard or self.time_limit, soft or self.soft_time_limit
        if hard is None:
            return self.resolve_seconds
        return max(0.1, min(self.resolve_seconds, (hard - (soft or 0)) / 2))


def _interrupted_call(limit: SoftTimeLimitExceeded) -> MolamError | None:
    """The error of the call that a time limit fell into, None if it fell into none."""
    calls = (link for link in _links(limit) if isinstance(link, MolamError) and link.request is not None)
    return next(calls, None)


def _links(error: BaseException) -> Iterator[BaseException]:
    seen: list[BaseException] = []
    link: BaseException | None = error
    while link is not None and link not in seen:
        yield link
        seen.append(link)
        link = link.__cause__ or link.__context__


def _is_safe(error: MolamError) -> bool:
    """Whether to make the same call again, under the same key, can help and can do no harm."""
    if error.outcome == "not_sent":
        return isinstance(error, NetworkError | CircuitOpenError | BulkheadFullError)
    if error.outcome == "rejected":
        return getattr(error, "status_code", None) in _LATER and error.retry_after is not None
    return error.request is not None


def _reads(error: MolamError) -> bool:
    return error.request is not None and error.request.method == "GET"


def _starts_at(options: Mapping[str, Any]) -> float:
    eta = options.get("eta")
    if isinstance(eta, datetime):
        return max(time.time(), (eta if eta.tzinfo else eta.replace(tzinfo=timezone.utc)).timestamp())
    return time.time() + float(options.get("countdown") or 0)


def _write(error: MolamError) -> str:
    text = json.dumps(error.to_dict() | {"body": None}, allow_nan=False)
    return text if len(text) <= _LARGEST_HEADER else ""


def _read_doubts(doubts: Mapping[str, Any]) -> Iterator[tuple[str, MolamError]]:
    for key, text in doubts.items():
        try:
            error = MolamError.from_dict(json.loads(text))
        except (TypeError, ValueError):
            error = MolamError("an earlier run left it in doubt", outcome="unknown")
        error.idempotency_key = key
        yield key, error
