"""What the journal keeps: what was asked under a key, by whom, and what became of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final, Literal

from .._core.answer import UnreadableError, attach
from .._core.evidence import ANY_REQUEST_ID, MOLAM_REQUEST_ID
from .._core.operations import BY_NAME
from .._core.wire import Headers, Reply
from ..exceptions import Doubt, Outcome, SentRequest
from ..models import ResponseInfo
from .naming import id_in, object_in, tag_in_body

State = Literal["queued", "open", "done", "refused", "free", "review"]
"""``queued``: to be made by a worker, nothing was sent yet. ``open``: running, or in doubt. ``done``: Molam carried it
out. ``refused``: Molam said no, for good. ``free``: it ended and nothing was done, so that it may be asked again.
``review``: in doubt for too long to be asked again."""

EVENT: Final = "event"
"""The code of an entry that an event closed."""
CLOSED: Final[frozenset[State]] = frozenset({"done", "refused", "free"})
_REPLAYED: Final = ("Idempotent-Replayed", "true")
_EVIDENCE: Final = (MOLAM_REQUEST_ID, ANY_REQUEST_ID)


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """Molam's answer, as far as it must be given again. ``head``: those of its fields that say whose it is."""

    status: int
    head: Mapping[str, str]
    body: bytes = field(repr=False)

    @classmethod
    def of(cls, reply: Reply) -> KeptAnswer:
        """What is kept of a reply."""
        found = {name: reply.headers.get(name) for name in _EVIDENCE}
        return cls(reply.status, {name: value for name, value in found.items() if value}, reply.body)

    def reply(self, received_at: float = 0.0) -> Reply:
        """The reply to give again: it says of itself that it is a replay."""
        return Reply(self.status, Headers((*self.head.items(), _REPLAYED)), self.body, received_at)

    @property
    def head_text(self) -> str:
        """The head as it stands in a column."""
        return json.dumps(dict(self.head))


@dataclass(frozen=True)
class Asked:
    """A call's wish to begin. ``token`` is this call's alone. ``age``: the seconds since the key's first use, as far
    as the caller knows, and ``outcome`` what that use left; ``same_account``: another API key is the same account's;
    ``undo_key``: the undo that this call is a step of."""

    key: str
    token: str
    operation: str
    method: str
    path: str
    body: bytes | None = field(repr=False)
    base_url: str
    account: str | None
    actor: str | None = None
    trace_id: str | None = None
    age: float = 0.0
    outcome: Outcome | None = None
    same_account: bool = False
    undo_key: str | None = None

    @property
    def object_name(self) -> str | None:
        """What its object is known by before there is an answer: the id in the path, or the tag in the metadata."""
        return object_in(self.operation, self.path) or tag_in_body(self.body)

    @cached_property
    def body_hash(self) -> str:
        """SHA-256 of the body; a body that is missing has one of its own."""
        return hash_of(self.body)


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of the journal. Times are Unix seconds by the clock of the store, ``age`` and ``lease_left`` the seconds
    since the key's first use and until another worker may take it, when the row was read.

    ``outcome``: what the last call came to; None where it succeeded, or has not ended. ``code``: the status, or the
    word that metrics have for its end. ``note``: why it needs a review, or how that was settled. ``undo_key``: the
    entry of the undo that it is a step of. ``queued_at``: when it was enqueued, if it was.
    """

    key: str
    state: State
    outcome: Outcome | None
    operation: str
    method: str
    path: str
    body: bytes | None = field(repr=False)
    body_hash: str = field(repr=False)
    base_url: str
    account: str | None
    actor: str | None
    trace_id: str | None
    first_used_at: float
    age: float
    ended_at: float | None
    code: str | None
    request_id: str | None
    attempts: int
    answer: KeptAnswer | None
    token: str = field(repr=False)
    lease_left: float
    note: str | None = None
    undo_key: str | None = None
    queued_at: float | None = None

    @property
    def object_id(self) -> str | None:
        """The id of the object that it is about, as far as it is known: from its path, or its answer."""
        return object_in(self.operation, self.path) or (None if self.answer is None else id_in(self.answer.body))

    @property
    def tag(self) -> str | None:
        """What its object carries in its metadata, where the client was told to tag objects."""
        return tag_in_body(self.body)

    @property
    def result(self) -> Any:
        """What the operation answered with; None where it is not done, or answers nothing."""
        if self.state != "done" or self.answer is None or self.operation not in BY_NAME:
            return None
        reply = self.answer.reply()
        try:
            result = BY_NAME[self.operation].parse(reply)
        except UnreadableError:
            return None
        return attach(result, ResponseInfo(reply.status, reply.headers, self.request_id, self.key, True, 0, 0.0))

    def doubt(self, now: float) -> Doubt:
        """The entry as ``client.resolve`` takes it. ``now``: this process's Unix time, whatever the store's is."""
        request = SentRequest(self.operation, self.method, self.path, self.body, self.key)
        return Doubt(self.outcome or "unknown", request, now - self.age, self.account, self.base_url)


@dataclass(frozen=True, slots=True)
class End:
    """What a call leaves in its entry. ``attempts`` are its own; ``account`` the one that was sent for.

    Of what was enqueued: ``retry_after``, how long Molam wants it to wait; ``telling``, for how long whoever ended it
    keeps it to tell of its end, 0 where nobody is to be told, None where any worker may.
    """

    state: State
    outcome: Outcome | None
    code: str
    attempts: int = 0
    request_id: str | None = None
    account: str | None = None
    answer: KeptAnswer | None = None
    note: str | None = None
    retry_after: float = 0.0
    telling: float | None = None

    @property
    def object_id(self) -> str | None:
        """The id of the object in the answer of what was done."""
        return id_in(self.answer.body) if self.state == "done" and self.answer is not None else None


def hash_of(body: bytes | None) -> str:
    """SHA-256 of a body, in hexadecimal; ``-`` where there is none."""
    return "-" if body is None else hashlib.sha256(body).hexdigest()
