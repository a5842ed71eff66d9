"""The dict form of a payload and its request model are one thing, field by field."""

from __future__ import annotations

import types as builtin_types
from typing import Annotated, Any, Union, get_args, get_origin

import pytest
from typing_extensions import NotRequired, get_type_hints

from molam_sdk import models, types
from molam_sdk.models import Amount, RequestModel
from molam_sdk.money import AmountInput

PAIRS = [
    (getattr(types, name), getattr(models, f"{name.removesuffix('Params')}Create"))
    for name in types.__all__
    if name.endswith("Params")
]


def _taken(annotation: Any) -> frozenset[Any]:
    """The kinds of values that a field takes: of the model what it accepts before it is checked."""
    if annotation == Amount:
        return _taken(AmountInput)
    origin = get_origin(annotation)
    if origin is Annotated:
        return _taken(get_args(annotation)[0])
    if origin in (Union, builtin_types.UnionType):
        return frozenset().union(*map(_taken, get_args(annotation)))
    if origin is list:
        return frozenset({("list", _taken(get_args(annotation)[0]))})
    return frozenset({annotation})


def _fields_of_dict(params: Any) -> dict[str, tuple[bool, frozenset[Any]]]:
    hints = get_type_hints(params, include_extras=True)
    found = {}
    for name, hint in hints.items():
        optional = get_origin(hint) is NotRequired
        found[name] = (not optional, _taken(get_args(hint)[0] if optional else hint))
    return found


def _fields_of_model(model: type[RequestModel]) -> dict[str, tuple[bool, frozenset[Any]]]:
    hints = get_type_hints(model, include_extras=True)
    return {name: (field.is_required(), _taken(hints[name])) for name, field in model.model_fields.items()}


@pytest.mark.parametrize(("params", "model"), PAIRS, ids=[model.__name__ for _, model in PAIRS])
def test_the_dict_form_has_the_fields_of_the_model(params: Any, model: type[RequestModel]) -> None:
    assert _fields_of_dict(params) == _fields_of_model(model)


@pytest.mark.parametrize(("params", "model"), PAIRS, ids=[model.__name__ for _, model in PAIRS])
def test_what_must_be_given_is_known_at_run_time_too(params: Any, model: type[RequestModel]) -> None:
    required = {name for name, field in model.model_fields.items() if field.is_required()}
    assert params.__required_keys__ == required


def test_every_payload_of_the_clients_is_among_them() -> None:
    assert {model.__name__ for _, model in PAIRS} == {name for name in models.__all__ if name.endswith("Create")}
