"""``MOLAM_API_KEY_FILE``: the API key in a file, as Docker and Kubernetes mount it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ..exceptions import ConfigurationError

KEY_FILE: Final = "MOLAM_API_KEY_FILE"


def with_key_file(settings: dict[str, Any], environ: Mapping[str, str], arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The settings with the source of the key, where its file is named and no argument says otherwise."""
    path = environ.get(KEY_FILE, "").strip()
    if not path or "api_key" in arguments:
        return settings
    if settings.get("api_key") is not None:
        raise ConfigurationError(f"MOLAM_API_KEY and {KEY_FILE}: set one of them")
    from .file import FileSource

    source = FileSource(path)
    try:
        source.fetch()
    except (OSError, ValueError) as problem:
        why = problem.strerror if isinstance(problem, OSError) else problem
        raise ConfigurationError(f"{KEY_FILE}: {path}: {why}") from None
    return settings | {"api_key": source}
