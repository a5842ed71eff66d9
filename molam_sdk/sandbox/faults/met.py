"""What a request or a delivery is to the rules of faults, and which of them it met."""

from dataclasses import dataclass, field
from typing import Any

from .rule import KINDS, TRAITS, InjectedFault


@dataclass(frozen=True, slots=True)
class FaultTarget:
    """One request or delivery: its traits by the names of `TRAITS`, and `alike`, what it has in common with its like.

    Draws hang on `alike` and not on the order of arrival, so threads do not change which requests meet a fault.
    """

    family: str
    traits: dict[str, str | None]
    alike: str


@dataclass(frozen=True, slots=True)
class MetFaults:
    """The faults that one request or delivery met, at most one of each stage."""

    by_stage: dict[str, InjectedFault] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.by_stage)

    def of(self, stage: str) -> InjectedFault | None:
        """The fault of this stage."""
        return self.by_stage.get(stage)

    @property
    def on_the_wire(self) -> bool:
        """Whether the answer is written by a fault rather than by the server."""
        answer = self.of("answer")
        return self.of("pace") is not None or (answer is not None and answer.kind != "status")

    @property
    def keeps_from_work(self) -> bool:
        """Whether nothing is done: the request is lost or answered before the work."""
        answer = self.of("answer")
        before = ("status", "drop_before", "reset", "blackhole")
        return answer is not None and answer.kind in before and not answer.commit

    def described(self) -> list[dict[str, Any]]:
        """The faults for people: which they are, what they are kept to and what they do."""
        return [_described(fault) for fault in self.by_stage.values()]

    def names(self) -> str | None:
        """The kinds in one word for the log; None where there is none."""
        return "+".join(fault.kind for fault in self.by_stage.values()) or None


NONE_MET = MetFaults()


def _described(fault: InjectedFault) -> dict[str, Any]:
    kind = KINDS[fault.kind]
    kept_to = {name: getattr(fault, name) for name in (*TRAITS[kind.family], "nth", "times")}
    does = {name: getattr(fault, name) for name in kind.parts}
    told = {"id": fault.id, "kind": fault.kind, **kept_to, **does}
    return {name: value for name, value in told.items() if value not in (None, {}, False)}


def stage_of(fault: InjectedFault) -> str:
    """The stage that a fault acts at."""
    return KINDS[fault.kind].stage
