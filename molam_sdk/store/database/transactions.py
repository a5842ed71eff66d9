"""The transaction that is open in a context: joined by whoever comes into it, and begun where there is none."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Generic, TypeVar

C = TypeVar("C")
O = TypeVar("O", bound="Opened[Any]")  # noqa: E741 - an opened transaction


class Opened(Generic[C]):
    """A transaction of one context; it takes a connection when it first needs one."""

    __slots__ = ("around", "connection")

    def __init__(self, around: Opened[C] | None) -> None:
        self.around = around
        self.connection: C | None = None

    @property
    def waits_for_itself(self) -> bool:
        """Whether a transaction around this one has a connection: it would end only after this one."""
        return self.around is not None and (self.around.connection is not None or self.around.waits_for_itself)


class Transactions(Generic[O]):
    """What a database says of transactions. How one is committed, undone and let go of, its subclasses know."""

    def __init__(self, name: str, make: Callable[[O | None], O]) -> None:
        self._name, self._make = name, make
        self._open: ContextVar[O | None] = ContextVar(name, default=None)

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open in this context."""
        return self._open.get() is not None

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Join the transaction that is open in this context; where there is none, one from here to the end."""
        if self.in_transaction:
            yield
            return
        with self.apart():
            yield

    @contextmanager
    def apart(self) -> Iterator[None]:
        """A transaction of its own, committed at its end whatever becomes of one that is open around it."""
        with self._opened() as opened:
            try:
                yield
                self._commit(opened)
            except BaseException:
                self._roll_back(opened)
                raise
            finally:
                self._let_go(opened)

    @contextmanager
    def _opened(self) -> Iterator[O]:
        """A new one, which is the open one of this context meanwhile."""
        here, around = self._open, self._open.get()
        opened = self._make(around)
        try:
            try:
                here.set(opened)
                yield opened
            finally:
                here.set(around)
        finally:
            here.set(around)  # again: something raised from outside may have struck just before the first

    def _here(self) -> O:
        """The open one; ``RuntimeError`` where there is none."""
        opened = self._open.get()
        if opened is None:
            raise RuntimeError(
                "no transaction is open here: only handlers run in one, and only those that the store's plan says"
            )
        return opened

    def _forget_open(self) -> None:
        """In a child process: what is open is the parent's."""
        self._open = ContextVar(self._name, default=None)

    def _commit(self, opened: O) -> None:
        raise NotImplementedError

    def _roll_back(self, opened: O) -> None:
        raise NotImplementedError

    def _let_go(self, opened: O) -> None:
        raise NotImplementedError
