"""What shows or stores an exception, each as it comes: Sentry's SDK, the standard library, rich, Django's page."""

from __future__ import annotations

import io
import json
import logging
import pickle
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, Final

import rich.console
import rich.traceback
import sentry_sdk
import sentry_sdk.integrations
from django.test import RequestFactory
from django.views.debug import ExceptionReporter

from molam_sdk import MolamError
from tests.support.webhooks import django_project


class _Kept(sentry_sdk.Transport):
    """Keeps what would be sent."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def capture_envelope(self, envelope: Any) -> None:
        self.texts.append(envelope.serialize().decode("utf-8", "replace"))


_PYTHONS: Final = logging.Logger.callHandlers
_SENTRYS: Final[list[Any]] = []


@contextmanager
def kept_by_sentry(*integrations: sentry_sdk.integrations.Integration) -> Iterator[list[str]]:
    """Sentry's SDK at its defaults, its logging integration included; what it sends."""
    kept = _Kept()
    sentry_sdk.init(
        dsn="https://key@sentry.test/1", transport=kept, auto_enabling_integrations=False, integrations=integrations
    )
    with _listening_to_logs():
        try:
            yield kept.texts
        finally:
            sentry_sdk.get_client().close()
            sentry_sdk.init()


@contextmanager
def _listening_to_logs() -> Iterator[None]:
    """Sentry replaces this once for the process, and it costs whatever test logs after it."""
    if not _SENTRYS:
        _SENTRYS.append(logging.Logger.callHandlers)
    logging.Logger.callHandlers = _SENTRYS[0]  # type: ignore[method-assign]
    try:
        yield
    finally:
        logging.Logger.callHandlers = _PYTHONS  # type: ignore[method-assign]


@cache
def _sentry_at_its_defaults() -> tuple[sentry_sdk.Scope, _Kept]:
    """One client for all errors: to make one takes longer than to send an error."""
    kept, scope = _Kept(), sentry_sdk.Scope()
    scope.set_client(
        sentry_sdk.Client(dsn="https://key@sentry.test/1", transport=kept, auto_enabling_integrations=False)
    )
    return scope, kept


def _sentry(error: BaseException) -> str:
    scope, kept = _sentry_at_its_defaults()
    with _listening_to_logs(), sentry_sdk.scope.use_scope(scope):
        sentry_sdk.capture_exception(error)
    sent = "\n".join(kept.texts)
    kept.texts.clear()
    assert type(error).__name__ in sent, "Sentry sent nothing"
    return sent


def _standard(error: BaseException) -> str:
    return "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())


class _Uncoloured(rich.traceback.Traceback):
    """As it comes, but for the colours, which take most of the time."""

    @classmethod
    def _guess_lexer(cls, filename: str, code: str) -> str:
        return "text"


def _rich(error: BaseException) -> str:
    shown = _Uncoloured.from_exception(
        type(error), error, error.__traceback__, show_locals=True, locals_max_string=None, locals_max_length=None
    )
    console = rich.console.Console(width=400, record=True, file=io.StringIO())
    console.print(shown)
    return console.export_text()


def _django(error: BaseException) -> str:
    django_project.configure()
    request = RequestFactory().get("/")
    return str(ExceptionReporter(request, type(error), error, error.__traceback__).get_traceback_html())


def _frames(error: BaseException) -> str:
    """The value of every local variable of every frame, of whatever the error came of, suppressed or not."""
    texts: list[str] = []
    seen: set[int] = set()
    ahead: list[BaseException | None] = [error]
    while ahead:
        link = ahead.pop()
        if link is None or id(link) in seen:
            continue
        seen.add(id(link))
        texts += [f"{type(link)}: {link} {link!r}", *(_deep(vars(request)) for request in _requests_of(link))]
        for frame, line in traceback.walk_tb(link.__traceback__):
            texts += [f"{frame.f_code.co_name}:{line}: {name}={_deep(value)}" for name, value in frame.f_locals.items()]
        ahead += [link.__cause__, link.__context__, *getattr(link, "exceptions", ())]
    return "\n".join(texts)


def _requests_of(error: BaseException) -> Iterator[object]:
    """What errors of libraries keep beside their text; ours keep theirs for ``resolve``, as SECURITY.md says."""
    for keeper in () if isinstance(error, MolamError) else (error, getattr(error, "response", None)):
        request = getattr(keeper, "request", None)
        if hasattr(request, "__dict__"):
            yield request


def _deep(value: object) -> str:
    """The repr, of what stands in mappings and sequences too, as trackers walk through them."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key!r}: {_deep(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_deep, value)) + "]"
    try:
        return repr(value)
    except Exception as problem:
        return f"<{type(value).__name__}: {type(problem).__name__}>"


def _kept_by_queues(error: BaseException) -> str:
    """A pickle and the JSON form; the body that was sent is in both, for ``resolve``, and SECURITY.md says so."""
    if not isinstance(error, MolamError):
        return ""
    facts = error.to_dict()
    facts["request"] = None
    copy = pickle.loads(pickle.dumps(error))
    copy.request = None
    return json.dumps(facts) + repr(pickle.dumps(copy)) + f"{error.args[:-1]}{error!r}{error}{error.causes}"


TRACKERS: Final[dict[str, Callable[[BaseException], str]]] = {
    "sentry": _sentry,
    "traceback": _standard,
    "rich": _rich,
    "django": _django,
    "frames": _frames,
    "queues": _kept_by_queues,
}

QUICK: Final = {name: TRACKERS[name] for name in ("traceback", "frames", "queues")}
"""For the many: the others read the same frames."""
