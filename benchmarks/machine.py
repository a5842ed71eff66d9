"""On what a run was made: figures without it cannot be compared."""

from __future__ import annotations

import os
import platform
import ssl
import subprocess
from datetime import datetime, timezone
from importlib import metadata
from pathlib import Path

from .contestants import CONTESTANTS

_ALSO = ("molam-python-sdk", "pydantic", "pydantic-core", "pybreaker", "prometheus-client", "urllib3")


def describe() -> dict[str, str]:
    """Processor, system, Python, and the version of every library that ran."""
    libraries = dict.fromkeys([*_ALSO, *(c.library for c in CONTESTANTS if c.library)])
    versions = [f"{name} {version}" for name in libraries if (version := _version(name))]
    return {
        "taken": datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "commit": _commit(),
        "processor": f"{os.cpu_count()} × {_processor()}",
        "load": " ".join(f"{load:.2f}" for load in os.getloadavg()) if hasattr(os, "getloadavg") else "unknown",
        "system": f"{platform.system()} {platform.release()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}, {ssl.OPENSSL_VERSION}",
        "libraries": ", ".join(versions),
    }


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _commit() -> str:
    command = ["git", "describe", "--always", "--dirty"]
    try:
        return subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parent).stdout.strip()
    except OSError:
        return "unknown"


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
