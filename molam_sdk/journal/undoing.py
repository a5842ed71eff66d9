"""What an undo has planned: the steps that were begun, and how each is undone. It stands in the undo's own entry."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Final, TypeVar

from ..exceptions import RequestValidationError

UNDO: Final = "undo"
"""The operation of an undo's entry."""

FunctionT = TypeVar("FunctionT", bound=Callable[..., Any])

_functions: Final[dict[str, Callable[..., Any]]] = {}


def inverse(function: FunctionT) -> FunctionT:
    """Decorate a function that ``undo.add`` may be given, at the top of a module that ``recover`` runs with too.

    It is called by its name, in any process, perhaps twice, and also where its step was never made: so it must be
    idempotent. No function but those that are decorated is ever called by what stands in a journal.
    """
    name = f"{function.__module__}.{function.__qualname__}"
    if "<" in name or (_functions.get(name, function) is not function and "__main__" not in name):
        raise RequestValidationError(
            f"{name} cannot be found again by its name: define it once, at the top of a module"
        )
    _functions[name] = function
    return function


@dataclass(frozen=True, slots=True)
class UndoStep:
    """A call under ``key``, or a merchant's own function by its ``name`` with its arguments. ``over``: there is nothing
    left to undo of it; ``cannot``: why it cannot be undone."""

    key: str | None = None
    name: str | None = None
    arguments: tuple[Any, ...] = ()
    options: Mapping[str, Any] | None = None
    over: bool = False
    cannot: str | None = None

    @classmethod
    def of_function(
        cls, function: Callable[..., Any], arguments: tuple[Any, ...], options: Mapping[str, Any]
    ) -> UndoStep:
        """A call of a function; ``RequestValidationError`` where another process could not make it."""
        name = next((name for name, known in _functions.items() if known is function), None)
        if name is None:
            raise RequestValidationError("undo.add wants a function that is decorated with molam_sdk.journal.inverse")
        try:
            json.dumps([arguments, dict(options)], allow_nan=False)
        except (TypeError, ValueError) as problem:
            raise RequestValidationError(
                f"the arguments of {name} must be JSON, to be called by any process"
            ) from problem
        return cls(name=name, arguments=arguments, options=options)

    @classmethod
    def of_facts(cls, facts: Mapping[str, Any]) -> UndoStep:
        """A step as ``asdict`` wrote it."""
        return cls(
            key=facts["key"],
            name=facts["name"],
            arguments=tuple(facts["arguments"]),
            options=facts["options"],
            over=facts["over"],
            cannot=facts["cannot"],
        )

    @property
    def function(self) -> Callable[..., Any] | None:
        """The function; None where this process does not have it."""
        return None if self.name is None else _functions.get(self.name)

    @property
    def is_settled(self) -> bool:
        """Whether nothing more is to be done about it."""
        return self.over or self.cannot is not None

    def undone(self) -> UndoStep:
        """The step, undone."""
        return replace(self, over=True)

    def left(self, why: str) -> UndoStep:
        """The step, which cannot be undone."""
        return replace(self, cannot=why)


@dataclass(frozen=True, slots=True)
class UndoPlan:
    """Every step, in the order in which they were begun."""

    steps: tuple[UndoStep, ...] = ()

    @classmethod
    def of(cls, body: bytes | None) -> UndoPlan:
        """The plan in an entry."""
        kept: list[dict[str, Any]] = json.loads(body or b"[]")
        return cls(tuple(UndoStep.of_facts(facts) for facts in kept))

    def body(self) -> bytes:
        """The plan as it stands in an entry."""
        return json.dumps([asdict(step) for step in self.steps]).encode()

    def having(self, step: UndoStep) -> UndoPlan:
        """With a step more; one key is one step."""
        if step.key is not None and any(known.key == step.key for known in self.steps):
            return self
        return UndoPlan((*self.steps, step))

    def changed(self, number: int, step: UndoStep) -> UndoPlan:
        """With that step in place of its former self."""
        return UndoPlan((*self.steps[:number], step, *self.steps[number + 1 :]))

    @property
    def cannot(self) -> list[str]:
        """What cannot be undone, and why."""
        return [step.cannot for step in self.steps if step.cannot is not None]
