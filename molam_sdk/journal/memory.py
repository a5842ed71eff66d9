"""A journal in this process's memory: for tests. It forgets when the process ends."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from .entry import CLOSED, EVENT, Asked, End, Entry
from .figures import JournalFigures, figures_of
from .rules import CLOCK_SKEW_SECONDS, Decision, ruling_on
from .seam import Begun, Judge, Wanted


class MemoryJournal:
    """Entries in a dict. ``clock``: Unix seconds. Other processes do not see them: not for production."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._entries: dict[str, tuple[Entry, float]] = {}
        self._names: dict[str, str | None] = {}
        self._heard: dict[str, float] = {}
        self._seen: dict[str, float] = {}
        self._lock = threading.RLock()

    def begin(self, asked: Asked, lease_seconds: float) -> Begun:
        with self._lock:
            found = self._read(asked.key)
            ruling = ruling_on(found, asked)
            if ruling.decision is Decision.SEND:
                self._entries[asked.key] = (_begun(asked, found, self._clock()), self._clock() + lease_seconds)
                self._names[asked.key] = self._names.get(asked.key) or asked.object_name
            return Begun(ruling, found)

    def end(self, key: str, token: str, end: End) -> bool:
        with self._lock:
            found = self._read(key)
            if found is None or not _may_end(found, token, end):
                return False
            self._names[key] = end.object_id or self._names.get(key)
            now = self._clock()
            in_doubt = end.state == "free" and found.outcome is not None
            self._entries[key] = (
                replace(
                    found,
                    state="open" if in_doubt else end.state,
                    outcome=found.outcome if in_doubt else end.outcome,
                    code=end.code,
                    request_id=end.request_id or found.request_id,
                    attempts=found.attempts + end.attempts,
                    account=end.account or found.account,
                    answer=end.answer,
                    ended_at=now,
                    note=end.note or found.note,
                ),
                now,
            )
            return True

    def find(self, key: str) -> Entry | None:
        with self._lock:
            return self._read(key)

    def page(self, wanted: Wanted) -> Sequence[Entry]:
        with self._lock:
            entries = [entry for key in self._entries if (entry := self._read(key)) is not None]
            unseen = {key for key in self._entries if self._seen.get(key, 0.0) < (wanted.unseen_since or 0.0)}
        if wanted.unseen_since is not None:
            entries = [entry for entry in entries if entry.key in unseen]
        found = sorted((entry for entry in entries if _is_wanted(entry, wanted)), key=_place)
        after = wanted.after
        return [entry for entry in found if after is None or _place(entry) > _place(after)][: wanted.limit]

    def figures(self) -> JournalFigures:
        with self._lock:
            return figures_of(entry for key in self._entries if (entry := self._read(key)) is not None)

    def prune(self, older_than_seconds: float) -> int:
        with self._lock:
            before = self._clock() - older_than_seconds
            old = [key for key, (entry, _) in self._entries.items() if _ended_before(entry, before)]
            for held in (self._entries, self._names, self._heard, self._seen):
                for key in old:
                    held.pop(key, None)
            return len(old)

    def hear(self, names: Sequence[str], judge: Judge) -> int:
        with self._lock:
            found = self.about(names)
            self._heard.update(dict.fromkeys((entry.key for entry in found), self._clock()))
            ends = [(entry, judge(entry)) for entry in found if entry.state not in CLOSED]
            return sum(end is not None and self.end(entry.key, entry.token, end) for entry, end in ends)

    def heard_at(self, name: str) -> float | None:
        with self._lock:
            return max(
                (self._heard[entry.key] for entry in self.about([name]) if entry.key in self._heard), default=None
            )

    def about(self, names: Sequence[str]) -> Sequence[Entry]:
        with self._lock:
            entries = [self._read(key) for key, name in self._names.items() if name in names]
        return sorted((entry for entry in entries if entry is not None), key=lambda entry: entry.first_used_at)

    def mark_seen(self, keys: Sequence[str], at: float) -> None:
        with self._lock:
            self._seen.update(dict.fromkeys(keys, at))

    def take(self, key: str, token: str, lease_seconds: float) -> Entry | None:
        with self._lock:
            found = self._read(key)
            if found is None or found.state in CLOSED or found.lease_left > 0:
                return None
            self._entries[key] = (replace(found, token=token), self._clock() + lease_seconds)
            return self._read(key)

    def keep(self, key: str, token: str, body: bytes, lease_seconds: float) -> bool:
        with self._lock:
            found = self._read(key)
            if found is None or found.state in CLOSED or found.token != token:
                return False
            self._entries[key] = (replace(found, body=body), self._clock() + lease_seconds)
            return True

    def time(self) -> float:
        return self._clock()

    def _read(self, key: str) -> Entry | None:
        if key not in self._entries:
            return None
        entry, leased_until = self._entries[key]
        now = self._clock()
        return replace(entry, age=now - entry.first_used_at, lease_left=max(0.0, leased_until - now))


_FINAL = frozenset({"done", "refused"})


def _may_end(found: Entry, token: str, end: End) -> bool:
    """Whether this end may close the entry: what an event told is replaced by the answer to the call itself."""
    if found.state in CLOSED:
        return (found.code, found.token, found.state) == (EVENT, token, end.state)
    return found.token == token or end.state in _FINAL


def _begun(asked: Asked, found: Entry | None, now: float) -> Entry:
    """The entry of a call that is about to be sent."""
    kept = found if found is not None and found.state == "open" else None
    return Entry(
        key=asked.key,
        state="open",
        outcome=asked.outcome if kept is None else kept.outcome or "unknown",
        operation=asked.operation,
        method=asked.method,
        path=asked.path,
        body=asked.body,
        body_hash=asked.body_hash,
        base_url=asked.base_url,
        account=asked.account,
        actor=asked.actor,
        trace_id=asked.trace_id,
        first_used_at=now - asked.age if kept is None else kept.first_used_at,
        age=0.0,
        ended_at=None,
        code=None,
        request_id=None if found is None else found.request_id,
        attempts=0 if found is None else found.attempts,
        answer=None,
        token=asked.token,
        lease_left=0.0,
        undo_key=asked.undo_key or (None if kept is None else kept.undo_key),
    )


def _is_wanted(entry: Entry, wanted: Wanted) -> bool:
    return (
        wanted.open in (None, entry.state not in CLOSED)
        and not (wanted.due and entry.lease_left > 0 and entry.age >= -CLOCK_SKEW_SECONDS)
        and (wanted.account is None or entry.account in (None, wanted.account))
        and wanted.base_url in (None, entry.base_url)
        and (not wanted.operations or entry.operation in wanted.operations)
        and (wanted.since is None or entry.first_used_at >= wanted.since)
    )


def _place(entry: Entry) -> tuple[bool, float, str]:
    return entry.state in CLOSED, entry.first_used_at, entry.key


def _ended_before(entry: Entry, before: float) -> bool:
    return entry.state in CLOSED and entry.ended_at is not None and entry.ended_at < before
