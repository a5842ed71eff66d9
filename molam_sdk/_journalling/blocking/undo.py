# Generated from _journalling/awaited/undo.py by ci/generate_blocking.py: edit that file, not this one.
"""A block whose steps are undone where it fails: ``client.undo()``. Its plan is in the journal before each step."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from dataclasses import replace
from threading import Lock
from types import TracebackType
from typing import Any, Final

from typing_extensions import Self

from ..._interruption import raised_from_outside
from ..._quiet_log import log
from ...exceptions import JournalError, MolamError, RequestValidationError
from ...journal.entry import Asked, End
from ...journal.notes import notes
from ...journal.undoing import UNDO, UndoPlan, UndoStep
from ..opening import first_line, full_store
from ..undo_context import open_undo, outside_of_undo, undo_here
from .calls import JournalledCalls, Way, account_here
from .undoing import Undoing

_KEPT: Final = End("done", None, "kept")
_OUTLIVED: Final = "the undo's block took longer than its seconds between two steps, and another worker undoes it"


class Undo:
    """The steps of one block. ``key`` is that of its entry: ``client.journal.get(undo.key)``."""

    def __init__(self, calls: JournalledCalls, way: Way, seconds: float, timeout: float) -> None:
        self.calls = calls
        self.key = f"undo-{os.urandom(16).hex()}"
        self._store = full_store(calls.store, "undo")
        self._way, self._seconds, self._timeout = way, seconds, timeout
        self._token = os.urandom(16).hex()
        self._plan = UndoPlan()
        self._lock = Lock()

    def add(self, function: Callable[..., Any], *arguments: Any, **options: Any) -> None:
        """Have a function called, too, where the block fails: before the step of yours that it undoes.

        It must be decorated with ``molam_sdk.journal.inverse``, and its arguments be JSON: a killed process's undo is
        finished by another one.
        """
        self._planned(UndoStep.of_function(function, arguments, options))

    def __enter__(self) -> Self:
        if undo_here(self.calls) is not None:
            raise RequestValidationError("an undo is open here already: its block undoes what this one would")
        state, noted = self._way[0], notes()
        asked = Asked(
            self.key,
            self._token,
            UNDO,
            "UNDO",
            "/",
            None,
            state.base_url,
            account_here(state),
            noted.actor,
            noted.trace_id,
        )
        self._written(self._store.begin, asked, self._seconds)
        open_undo(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        open_undo(None)
        mine = self._renewed()
        if error is None:
            if not mine:
                raise RequestValidationError(_OUTLIVED, outcome="unknown")
            self._written(self._store.end, self.key, self._token, _KEPT)
            return
        self._undo(error, mine)

    def step(self, asked: Asked) -> Asked:
        """A call of the block, planned before it is written down; one that was done before the block is no step."""
        found = self.calls.ask(self._store.find, asked.key)
        if found is not None and found.state == "done" and found.undo_key != self.key:
            return asked
        self._planned(UndoStep(key=asked.key))
        return replace(asked, undo_key=self.key)

    def _planned(self, step: UndoStep) -> None:
        if not self._written(self._keep, step):
            raise RequestValidationError(f"{_OUTLIVED}: nothing was sent")

    def _keep(self, step: UndoStep | None) -> bool:
        """Under a lock: tasks and threads of one block plan their steps at the same time."""
        with self._lock:
            plan = self._plan if step is None else self._plan.having(step)
            kept = self._store.keep(self.key, self._token, plan.body(), self._seconds)
            self._plan = plan
            return kept

    def _renewed(self) -> bool:
        """Whether the undo is this block's still; True where that cannot be asked now."""
        try:
            return bool(self._written(self._keep, None))
        except JournalError:
            return True

    def _undo(self, error: BaseException, mine: bool) -> None:
        """Undo the steps, and have the error say what became of them; it is raised in any case."""
        if not mine:
            _add_note(error, f"{self.key}: {_OUTLIVED}")
            return
        undoing = Undoing(self.calls, self._way, self._timeout, same_account=False)
        try:
            with outside_of_undo():
                left = undoing.finish(self.key, self._token, self._plan, self._seconds)
        except MolamError as problem:
            left = [first_line(problem)]
        _tell(error, self.key, undoing.cannot, left)

    def _written(self, step: Callable[..., Any], *arguments: Any) -> Any:
        try:
            return self.calls.work(step, *arguments)
        except Exception as problem:
            if raised_from_outside(problem):
                raise
            text = f"the journal cannot be written: {first_line(problem)}"
            raise JournalError(text, outcome="not_sent") from problem


def _tell(error: BaseException, key: str, cannot: list[str], left: list[str]) -> None:
    facts = {"idempotency_key": key}
    if cannot:
        log(logging.ERROR, "an undo left what cannot be undone", facts={**facts, "note": "; ".join(cannot)})
        _add_note(error, f"{key}: cannot be undone: {'; '.join(cannot)}")
    if left:
        log(logging.ERROR, "an undo is not finished: recover", facts={**facts, "note": "; ".join(left)})
        _add_note(error, f"{key}: not undone yet: {'; '.join(left)}; client.recover() goes on")
    if not cannot and not left:
        _add_note(error, f"{key}: every step was undone")


def _add_note(error: BaseException, note: str) -> None:
    """As ``add_note`` of Python 3.11."""
    vars(error)["__notes__"] = [*getattr(error, "__notes__", ()), note]
