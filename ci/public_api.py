"""The public names of the package, and a listing of them with their arguments: python ci/public_api.py [--check].

The listing is checked in, so that a break of what merchants use is seen in review.
"""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
LISTING: Final = ROOT / "tests" / "packaging" / "public_api.txt"

PAGES: Final = {
    "clients": ("Clients", ("sync_client", "client", "async_client", "plain_async_client", "config")),
    "models": ("Models", ("models",)),
    "errors": ("Errors", ("exceptions",)),
    "types": ("Types", ("types", "transports")),
    "webhooks": ("Webhooks", ("receiver", "webhooks", "store")),
    "journal": ("Journal", ("journal",)),
    "secrets": ("Secrets", ("secrets",)),
    "watching": ("Watching", ("metrics", "health", "logging_setup", "cb", "otel")),
    "testing": ("Testing and sandbox", ("testing", "sandbox")),
}
"""Pages of the reference: title, and the modules of ``molam_sdk`` whose public names stand there."""

_ASKED_FOR: Final = {
    "sync_client": ("MolamSyncClient",),
    "client": ("MolamClient", "Pages"),
    "async_client": ("MolamAsyncClient",),
    "plain_async_client": ("PlainAsyncClient", "AsyncPages"),
    "config": ("ClientConfig",),
    "otel": ("TraceObserver",),
}


def public_names(module: str) -> tuple[str, ...]:
    """What merchants may use of a module."""
    if module in _ASKED_FOR:
        return _ASKED_FOR[module]
    found = importlib.import_module(f"molam_sdk.{module}")
    if hasattr(found, "__all__"):
        return tuple(found.__all__)
    return tuple(name for name, kind in vars(found).items() if name[0] != "_" and _is_ours(kind))


def listing() -> str:
    """A line for each name, and for each method and field of a class."""
    lines = []
    for _, modules in PAGES.values():
        for module in modules:
            found = importlib.import_module(f"molam_sdk.{module}")
            for name in public_names(module):
                lines += _lines(f"molam_sdk.{module}.{name}", getattr(found, name))
    return "\n".join(sorted(set(lines))) + "\n"


def _lines(path: str, found: object) -> Iterator[str]:
    if not isinstance(found, type):
        yield path + (_arguments(found) if inspect.isroutine(found) else "")
        return
    yield path + _arguments(found)
    fields = [*getattr(found, "model_fields", {}), *getattr(found, "__dataclass_fields__", {})]
    for name in fields:
        yield f"{path}.{name}"
    for base in found.__mro__:
        for name, member in vars(base).items() if _is_ours(base) else ():
            if name[0] != "_" and name not in fields:
                yield f"{path}.{name}{_arguments(inspect.unwrap(getattr(found, name, member)))}"


def _arguments(found: object) -> str:
    """The names of the arguments, with ``=`` where they may be left out: what a caller can break on."""
    if isinstance(found, type) and (dataclasses.is_dataclass(found) or hasattr(found, "model_fields")):
        return ""  # its fields stand below
    try:
        parameters = inspect.signature(found).parameters.values()  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return ""
    shown = []
    for each in parameters:
        if each.name == "self":
            continue
        star = {each.VAR_POSITIONAL: "*", each.VAR_KEYWORD: "**"}.get(each.kind, "")
        if each.kind is each.KEYWORD_ONLY and "*" not in shown and not any(name.startswith("*") for name in shown):
            shown.append("*")
        shown.append(f"{star}{each.name}{'' if each.default is each.empty else '='}")
    return f"({', '.join(shown)})"


def _is_ours(found: object) -> bool:
    return isinstance(found, type) and bool(re.match(r"molam_sdk\b", found.__module__))


def main(arguments: list[str]) -> int:
    """Write the listing, or say whether it is as it should be."""
    wanted = listing()
    if "--check" not in arguments:
        LISTING.write_text(wanted, encoding="utf-8")
        return 0
    if LISTING.read_text(encoding="utf-8") == wanted:
        return 0
    print(f"{LISTING.relative_to(ROOT)} is not what the package has: python ci/public_api.py, and look at what changed")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
