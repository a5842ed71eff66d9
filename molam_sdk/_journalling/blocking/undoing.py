# Generated from _journalling/awaited/undoing.py by ci/generate_blocking.py: edit that file, not this one.
"""Undoes the steps of an undo, the last one first: in its own block, or in whichever process recovers it."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from ..._core import operations
from ..._core.invocation import Invocation
from ..._interruption import raised_from_outside
from ...exceptions import MolamError
from ...journal.entry import End, Entry
from ...journal.rules import ASKED_AGAIN_SECONDS, CLOCK_SKEW_SECONDS, Decision
from ...journal.undoing import UndoPlan, UndoStep
from ..opening import first_line, full_store
from ..undo_entries import burnt, doubt_and_invocation, refuse_awaitable
from .calls import JournalledCalls, Way
from .walk import PER_SECOND, Walk

_PAYMENT_STEPS: Final = frozenset({"create_payment_intent", "confirm_payment_intent", "capture_payment_intent"})
_OVER: Final = frozenset({"canceled", "failed"})
_TO_CANCEL: Final = frozenset({"requires_confirmation", "requires_capture"})
_LOOKS: Final = 6
_FIRST_PAUSE: Final = 0.25


class NotNowError(Exception):
    """A step cannot be undone now, and perhaps later."""


class CannotError(Exception):
    """A step cannot be undone at all."""


class Undoing(Walk):
    """Undoes what one undo has planned. ``cannot``: what could not be undone, and why."""

    def __init__(self, calls: JournalledCalls, way: Way, timeout: float, *, same_account: bool) -> None:
        super().__init__(calls, way, timeout, PER_SECOND, same_account)
        self._store = full_store(calls.store, "undo")
        self.cannot: list[str] = []
        self._key = ""

    def take_over(self, entry: Entry) -> None:
        """Finish the undo of a process that is gone."""
        token, seconds = os.urandom(16).hex(), 4 * self._timeout
        taken = self._calls.ask(self._store.take, entry.key, token, seconds)
        if taken is not None:
            self.finish(taken.key, token, UndoPlan.of(taken.body), seconds)

    def finish(self, key: str, token: str, plan: UndoPlan, seconds: float) -> list[str]:
        """Undo every step that is left; why some are not undone yet. Then the entry stays open for ``recover``."""
        self._key = key
        left: list[str] = []
        try:
            for number in reversed(range(len(plan.steps))):
                if plan.steps[number].is_settled:
                    continue
                plan = plan.changed(number, self._settled(plan.steps[number], left))
                if not self._calls.ask(self._store.keep, key, token, plan.body(), seconds):
                    return [*left, "another worker has it now"]
        except BaseException:
            self._calls.ask(self._store.keep, key, token, plan.body(), 0.0)
            raise
        self.cannot = plan.cannot
        if left:
            self._calls.ask(self._store.keep, key, token, plan.body(), 0.0)
        else:
            self._calls.ask(self._store.end, key, token, _end_of(plan))
        return left

    def _settled(self, step: UndoStep, left: list[str]) -> UndoStep:
        """The step afterwards."""
        try:
            (self._call(step) if step.key is None else self._undo(step.key))
        except CannotError as reason:
            return step.left(str(reason))
        except NotNowError as reason:
            left.append(str(reason))
            return step
        return step.undone()

    def _call(self, step: UndoStep) -> None:
        """A function of the merchant's."""
        function = step.function
        if function is None:
            raise NotNowError(f"{step.name} is not known to this process: import its module where recover runs")
        try:
            returned = function(*step.arguments, **(step.options or {}))
            refuse_awaitable(returned)
        except Exception as problem:
            if raised_from_outside(problem):
                raise
            raise NotNowError(f"{step.name} raised {first_line(problem)}") from problem

    def _undo(self, key: str) -> None:
        """A call of the block, once it is known what became of it."""
        entry = self._known(key)
        if entry is None or entry.state in ("free", "refused"):
            return
        if entry.lease_left > 0:
            raise NotNowError(f"{entry.operation} {key} is running")
        if entry.state == "review":
            raise CannotError(f"{entry.operation} {key} needs a review: {entry.note}")
        if entry.state == "open":
            raise NotNowError(f"{entry.operation} {key} is in doubt")
        if entry.operation in _PAYMENT_STEPS and entry.object_id is not None:
            self._give_back(entry.object_id)
        elif entry.operation == "create_webhook_endpoint" and entry.object_id is not None:
            delete = partial(operations.delete_webhook_endpoint, entry.object_id)
            self._send(delete, entry.object_id, "delete")
        else:
            raise CannotError(f"{entry.operation} {entry.object_id or key} has no inverse")

    def _known(self, key: str) -> Entry | None:
        """The entry, asked for again where it is in doubt. A key that was planned and never used is used up, so that a
        process that was only slow cannot send it any more."""
        entry = self._calls.ask(self._store.find, key)
        if entry is None:
            asked, end = burnt(key, self._key, self._way[0])
            begun = self._calls.ask(self._store.begin, asked, self._timeout)
            if begun.ruling.decision is Decision.SEND:
                self._calls.ask(self._store.end, key, asked.token, end)
                return None
            entry = begun.found
        if entry is None or entry.state != "open" or entry.lease_left > 0:
            return entry
        if not -CLOCK_SKEW_SECONDS <= entry.age <= ASKED_AGAIN_SECONDS:
            raise CannotError(f"{entry.operation} {key} is in doubt, and too old to be asked again")
        doubt, invocation = doubt_and_invocation(entry)
        try:
            self._calls.send(self._way, invocation, self._timeout, doubt, self._same_account, waits=False)
        except MolamError as error:
            if error.outcome != "rejected":
                raise NotNowError(f"{entry.operation} {key} is in doubt: {first_line(error)}") from error
        return self._calls.ask(self._store.find, key)

    def _give_back(self, intent_id: str) -> None:
        """Cancel a payment, or give its money back: whichever it has come to by now."""
        pause = _FIRST_PAUSE
        for _ in range(_LOOKS):
            try:
                found, _answer = self._read(operations.retrieve_payment_intent(intent_id))
            except MolamError as error:
                raise NotNowError(f"{intent_id} cannot be read: {first_line(error)}") from error
            if found.status in _OVER:
                return None
            if found.status in _TO_CANCEL:
                if self._is_carried_out(partial(operations.cancel_payment_intent, intent_id), intent_id):
                    return None
            elif found.status == "succeeded":
                return self._send(partial(operations.create_refund, {"payment_id": intent_id}), intent_id, "refund")
            self._calls.sleep(pause)
            pause *= 2
        raise NotNowError(f"{intent_id} is still on its way")

    def _is_carried_out(self, make: Callable[[str], Invocation[Any]], object_id: str) -> bool:
        """Whether a cancel was carried out; a payment that has gone on meanwhile is looked at again."""
        try:
            self._send(make, object_id, "cancel")
        except CannotError:
            return False
        return True

    def _send(self, make: Callable[[str], Invocation[Any]], object_id: str, word: str) -> None:
        """An inverse, through the journal, under a key that every process derives alike."""
        try:
            self._calls.send(
                self._way, make(f"{self._key}-{object_id}-{word}"), self._timeout, None, self._same_account
            )
        except MolamError as error:
            if error.outcome == "rejected":
                raise CannotError(f"{word} of {object_id} is refused: {first_line(error)}") from error
            raise NotNowError(f"{word} of {object_id}: {first_line(error)}") from error


def _end_of(plan: UndoPlan) -> End:
    if plan.cannot:
        return End("review", "unknown", "not_undone", note=f"cannot be undone: {'; '.join(plan.cannot)}")
    return End("free", None, "undone", note=f"{len(plan.steps)} steps undone" if plan.steps else None)
