"""What `molam doctor` learns by a call: one read with the key, through the client's own transport."""

from __future__ import annotations

import time
import warnings
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime
from typing import Final

from .._core.evidence import Evidence, evidence_of, is_molams
from .._core.problem import read_problem
from .._core.wire import NoReply, Reply, Request
from ..client import MolamClient
from ..config import ClientConfig
from ..exceptions import MolamError
from ..transports import RequestsTransport
from .finding import Finding, Level
from .reached import advice_for

# A webhook signature is good for 300 s; a clock further off refuses them all.
SKEW_SECONDS: Final = 300.0

_FOREIGN: Final = (
    "this is not Molam's answer: correct host and path of MOLAM_BASE_URL, and look for a proxy, firewall or login page "
    "that answers in its place"
)
_LACKS_SCOPE: Final = "insufficient_scope"
_ADVICE: Final = {
    401: "Molam does not accept this key: copy it anew from the dashboard, and see that it is of this environment",
    403: "Molam knows the key and forbids the call: look in the dashboard what the key, and this address, may do",
    404: "there is no such path: MOLAM_BASE_URL must be the API's address without anything behind it",
    429: "too many calls: wait a minute and run this again",
}


class Overhearing:
    """A client's transport that remembers the last answer."""

    def __init__(self, config: ClientConfig) -> None:
        self._inner = RequestsTransport(config)
        self.answer: Reply | NoReply | None = None
        self.sleep, self.clock, self.close = self._inner.sleep, self._inner.clock, self._inner.close

    def send(self, request: Request) -> Reply | NoReply:
        """One attempt."""
        self.answer = self._inner.send(request)
        return self.answer

    def look(self, config: ClientConfig) -> None:
        """Ask for anything at all, without a key: for a set-up that has none, but a clock."""
        deadline = self.clock() + config.timeout_connect + config.timeout_read
        self.send(Request("GET", f"{config.url}/healthz", {}, None, deadline))


@dataclass(frozen=True, slots=True)
class CalledOnce:
    """What came of the call: the error, if it was one, and the last answer."""

    error: MolamError | None
    answer: Reply | NoReply | None
    seconds: float


def check_call(config: ClientConfig, *, with_key: bool) -> list[Finding]:
    """Read the balance, and compare the clocks by the answer; without a key only the clocks."""
    try:
        called = _call_once(config, with_key=with_key)
    except MolamError as problem:  # of the construction
        return [Finding("call", "fail", problem.message)]
    found = [_call(called, config)] if with_key else []
    return [*found, *([_clock(called.answer)] if isinstance(called.answer, Reply) else [])]


def _call_once(config: ClientConfig, *, with_key: bool) -> CalledOnce:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # they are findings already
        alone = replace(config, environment=None, region=None, max_retries=0, journal=None)
        transport = Overhearing(alone)
        began = time.monotonic()
        error = None
        with MolamClient(alone, transport=transport) as client:
            try:
                client.retrieve_balance() if with_key else transport.look(alone)
            except MolamError as problem:
                error = problem
    return CalledOnce(error, transport.answer, time.monotonic() - began)


def _call(called: CalledOnce, config: ClientConfig) -> Finding:
    answer = called.answer
    if isinstance(answer, Reply):
        level, text = _judged(answer, called)
    elif answer is not None:
        level, text = "fail", f"{answer.detail}: {advice_for(answer.failure, answer.detail, config)}"
    else:
        level, text = "fail", called.error.message if called.error is not None else "nothing was sent"
    return Finding("call", level, text)


def _judged(reply: Reply, called: CalledOnce) -> tuple[Level, str]:
    status = reply.status
    if called.error is None:
        if not is_molams(reply.headers):
            return "fail", f"answered {status}, without X-Molam-Request-Id: {_FOREIGN}"
        return "ok", f"the balance was read in {called.seconds * 1000:.0f} ms: key, path and host are right"
    if 300 <= status < 400:
        return "fail", f"answered {status}, a redirect, which is never followed: correct MOLAM_BASE_URL"
    problem = read_problem(reply.body)
    if status < 400 or evidence_of(reply.headers, problem) is Evidence.NONE:
        return "fail", f"answered {status}: {_FOREIGN}"
    if status == 403 and problem.code == _LACKS_SCOPE:
        return "ok", "Molam knows the key, which may not read the balance (403)"
    advice = _ADVICE.get(status, "Molam, or a gateway before it, cannot answer now: run this again, then ask Molam")
    return "fail", f"answered {status} {problem.code or ''}".rstrip() + f": {advice}"


def _clock(reply: Reply) -> Finding:
    """This machine's clock against the Date of an answer."""
    try:
        date = parsedate_to_datetime(reply.headers.get("Date") or "")
    except ValueError:
        return Finding("clock", "warn", f"answered {reply.status} without a Date: the clocks cannot be compared")
    skew = reply.received_at - date.timestamp()
    told = f"{abs(skew):.0f} s {'ahead' if skew > 0 else 'behind'} (answer {reply.status})"
    if abs(skew) < SKEW_SECONDS:
        return Finding("clock", "ok", told)
    return Finding("clock", "fail", f"{told}: set this machine's clock by NTP; webhooks are refused beyond 300 s")
