"""Operations that are written down in the shop's own transaction, for a worker to make."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final, ParamSpec

from ..._client_state import ClientState
from ..._core.invocation import Invocation
from ..._core.operations import BY_NAME
from ..._frames import raises_without_values
from ..._interruption import raised_from_outside
from ...exceptions import RequestValidationError
from ...journal.rules import Decision
from ..ends import not_enqueued, ruled_out
from ..opening import outbox_of
from ..undo_context import undo_here
from .calls import JournalledCalls
from .work import in_transaction

P = ParamSpec("P")

_IN_UNDO: Final = (
    "enqueue in the block of an undo: a worker would make it later, whether the block is undone or not. Enqueue before "
    "or after the block, or call the operation itself"
)


@raises_without_values
class AsyncOutbox:
    """What is enqueued here is committed with the transaction that it was made for, or not at all."""

    def __init__(self, calls: JournalledCalls, state: ClientState, transaction: object) -> None:
        self._calls, self._state, self._transaction = calls, state, transaction

    async def enqueue(self, operation: Callable[P, object], /, *args: P.args, **kwargs: P.kwargs) -> str:
        """Have a worker make ``operation(*args, **kwargs)``, a method of this client that changes something; its key.

        Checked as if it were sent now. ``RequestValidationError`` where it may not be, where its key is bound to
        another operation or body, or where no transaction is open; ``JournalError`` where the journal cannot be
        written; in the block of an undo it is refused too. Nothing is sent, and nothing is enqueued, by any of them.
        The same once more under one key is one.
        """
        if undo_here(self._calls) is not None:
            raise RequestValidationError(_IN_UNDO)
        invocation = await _invocation_of(self._state, operation, args, kwargs)
        asked, outbox = self._calls.enqueued(self._state, invocation), outbox_of(self._calls.store)
        try:
            ruling = await in_transaction(self._calls.work, self._transaction, partial(outbox.enqueue, asked))
        except Exception as problem:
            if raised_from_outside(problem):
                raise
            raise not_enqueued(problem, invocation) from problem
        if ruling.decision is Decision.REFUSE:
            raise ruled_out(ruling, invocation, None)
        return asked.key


async def _invocation_of(
    state: ClientState, operation: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Invocation[Any]:
    """What the method would send: called on a view of its client that hands it over instead."""
    client, known = getattr(operation, "__self__", None), BY_NAME.get(getattr(operation, "__name__", ""))
    if known is None or not known.key_prefix or getattr(client, "_state", None) is not state:
        raise RequestValidationError(
            "enqueue wants a method of this client that changes something, such as client.create_payment_intent, and "
            "its arguments"
        )
    if "timeout" in kwargs:
        raise RequestValidationError("timeout is the worker's: client.journal.work(timeout=…)")

    async def hand_over(invocation: Invocation[Any], *_: Any) -> Invocation[Any]:
        return invocation

    view = object.__new__(type(client))
    vars(view).update(vars(client), _send=hand_over)
    return await operation.__func__(view, *args, **kwargs)  # type: ignore[no-any-return]  # what hand_over gives
