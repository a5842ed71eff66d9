"""`molam doctor` as a shell runs it, and what it said."""

from __future__ import annotations

import json
import os

from click.testing import CliRunner, Result

from molam_sdk.cli.commands import molam


def doctor(*options: str, **environment: str) -> Result:
    """Run it with the MOLAM_ variables given and no others."""
    without = {name: None for name in os.environ if name.startswith("MOLAM_") or name.lower().endswith("_proxy")}
    return CliRunner().invoke(molam, ["doctor", "--json", *options], env={**without, **environment})


def findings(done: Result) -> dict[str, tuple[str, str]]:
    """Level and text by name; the worst where several have one."""
    worst = ("ok", "warn", "fail")
    lines = sorted(map(json.loads, done.stdout.splitlines()), key=lambda line: worst.index(line["level"]))
    return {line["name"]: (line["level"], line["text"]) for line in lines}
