"""Secrets in environment variables."""

from __future__ import annotations

import os
from collections.abc import Mapping

from .keeping import LOCAL
from .names import checked_name, filled, several
from .source import KeptSource


class EnvironmentSource(KeptSource):
    """An environment variable, ``MOLAM_API_KEY`` or ``SHOP_{kid}``; several secrets with commas between.

    It is read each time, so that a change of the environment counts at once.
    """

    def __init__(self, variable: str, environ: Mapping[str, str] | None = None) -> None:
        self._variable = checked_name("variable", variable)
        self._environ = os.environ if environ is None else environ
        super().__init__(f"environment:{variable}", LOCAL)

    def fetch(self, kid: str = "") -> tuple[str, ...]:
        """What the variable holds now."""
        name = filled(self._variable, kid)
        return () if name is None else several(self._environ.get(name, ""))
