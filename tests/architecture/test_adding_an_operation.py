"""Whoever adds an operation or a model and forgets a place is told which; the sandbox's route: tests/sandbox."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Final, get_type_hints

import pytest
from pydantic import BaseModel

import molam_sdk
from molam_sdk import models, types
from molam_sdk._core import operations
from molam_sdk._core.operations import BY_NAME

pytestmark = pytest.mark.slow

CONTRACT: Final = Path(__file__).parents[2] / "docs" / "contract.md"
ROW: Final = re.compile(r"^\| `(?P<name>\w+)` \| (?P<method>[A-Z]+)(?: `(?P<path>[^`]+)`)?", re.M)
ROWS: Final = {row["name"]: row for row in ROW.finditer(CONTRACT.read_text(encoding="utf-8"))}
ANY_PATH: Final = {"get", "post"}

MODELS: Final = [
    name
    for file in (models.answers, models.payloads)
    for name, kind in vars(file).items()
    if inspect.isclass(kind) and issubclass(kind, BaseModel) and kind.__module__ == file.__name__
    if not name.startswith("_") and name != "RequestModel" and not name.endswith("Body")
]


@pytest.mark.parametrize("name", BY_NAME)
def test_every_operation_has_its_row_in_the_contract(name: str) -> None:
    operation = BY_NAME[name]
    assert name in ROWS, f"docs/contract.md has no row for {name}"
    assert ROWS[name]["method"] == operation.method
    if name not in ANY_PATH:
        assert re.sub(r"\{\w*\}", "{}", ROWS[name]["path"]) == operation.path


def test_every_row_of_the_contract_is_an_operation() -> None:
    assert set(ROWS) - set(BY_NAME) == set(), "docs/contract.md has these, _core/operations.py does not"


@pytest.mark.parametrize("name", BY_NAME)
def test_every_model_that_an_operation_names_exists(name: str) -> None:
    try:
        get_type_hints(getattr(operations, name))
    except AttributeError as missing:
        pytest.fail(f"{missing}: it is missing in models/payloads.py or models/answers.py")


@pytest.mark.parametrize("name", MODELS)
def test_every_model_can_be_imported_from_the_package(name: str) -> None:
    assert name in models.__all__, f"{name} is missing from __all__ of its file in models/"
    assert getattr(molam_sdk, name) is getattr(models, name)
    assert name in molam_sdk.__all__


@pytest.mark.parametrize("name", [name for name in MODELS if name.endswith("Create")])
def test_every_payload_has_its_dict_form(name: str) -> None:
    params = f"{name.removesuffix('Create')}Params"
    assert params in types.__all__, f"{params}, the dict form of {name}, is missing in _params.py or types.py"


def test_a_star_import_shadows_no_builtin() -> None:
    import builtins

    assert set(molam_sdk.__all__) & set(vars(builtins)) == set()
    assert molam_sdk.TimeoutError is molam_sdk.MolamTimeoutError


def test_everything_in_types_exists() -> None:
    assert [name for name in types.__all__ if not hasattr(types, name)] == []
