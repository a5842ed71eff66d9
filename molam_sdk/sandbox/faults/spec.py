"""A fault as it is written on a command line."""

import json
from typing import Any


def read_fault(spec: str) -> dict[str, Any]:
    """A fault as written on the command line: `drop_after_commit:times=1,operation=create_refund`, or JSON."""
    if spec.startswith("{"):
        parts = json.loads(spec)
        if not isinstance(parts, dict):
            raise ValueError("a fault in JSON is an object")
        return parts
    kind, _, rest = spec.partition(":")
    fault: dict[str, Any] = {"kind": kind}
    for pair in filter(None, rest.split(",")):
        name, _, value = pair.partition("=")
        try:
            fault[name] = json.loads(value)
        except ValueError:
            fault[name] = value
    return fault
