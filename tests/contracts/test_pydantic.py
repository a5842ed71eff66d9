"""What our models take for granted about pydantic: when a model is built, and by which method."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict

ANSWERS = "molam_sdk/_core/answer.py reads answers with it"
MODELS = "molam_sdk/models/building.py holds its lock there"

asked: list[type[BaseModel]] = []


def deferred() -> type[BaseModel]:
    """A fresh model that notes when it is asked to build itself."""

    class Order(BaseModel):
        model_config = ConfigDict(defer_build=True)
        amount: int

        @classmethod
        def model_rebuild(cls, **options: Any) -> bool | None:
            asked.append(cls)
            return super().model_rebuild(**options)

    return Order


FIRST_USES = {
    "constructor": lambda kind: kind(amount=5),
    "model_validate": lambda kind: kind.model_validate({"amount": 5}),
    "model_validate_json": lambda kind: kind.model_validate_json('{"amount": 5}'),
    "__pydantic_validator__": lambda kind: kind.__pydantic_validator__.validate_json(b'{"amount": 5}'),
}


@pytest.mark.parametrize("use", FIRST_USES)
def test_a_first_use_builds_through_model_rebuild(use: str) -> None:
    kind = deferred()
    assert not kind.__pydantic_complete__, f"defer_build builds at once: {MODELS}, and importing costs more again"
    made = FIRST_USES[use](kind)
    assert made.model_dump() == {"amount": 5}
    assert kind in asked, f"{use} builds a model without model_rebuild: {MODELS}"
    assert kind.__pydantic_complete__


def test_the_validator_of_a_model_reads_bytes() -> None:
    kind = deferred()
    kind.model_rebuild()
    assert kind.__pydantic_validator__.validate_json(b'{"amount": 5}') == kind(amount=5), ANSWERS
