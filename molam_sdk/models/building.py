"""What all models are made of: a pydantic model whose validator is built when it is first needed."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from pydantic import BaseModel, ConfigDict

from ._loading import built_undisturbed


class BuiltOnFirstUse(BaseModel):
    """Its validator is built when it is first needed, not at import.

    pydantic builds by changing the class, before 2.14 without a lock: of two threads that used a model for the first
    time, one could read it with the validator of its parent, and lose every field.
    """

    model_config = ConfigDict(defer_build=True)

    @classmethod
    def model_rebuild(
        cls,
        *,
        force: bool = False,
        raise_errors: bool = True,
        _parent_namespace_depth: int = 2,
        _types_namespace: Mapping[str, Any] | None = None,
    ) -> bool | None:
        """As pydantic's, by one thread at a time. Every first use comes through here.

        Names are looked up where the class was defined. pydantic would take the caller's locals too and keep them for
        good, and at a first use those are a call's: its answer, and its request with the API key.
        """
        return built_undisturbed(
            partial(
                super().model_rebuild,
                force=force,
                raise_errors=raise_errors,
                _parent_namespace_depth=0,
                _types_namespace=_types_namespace,
            )
        )
