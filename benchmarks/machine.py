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
        "processor": f"{os.cpu_count()} × {_processor()}",
        "system": f"{platform.system()} {platform.release()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}, {ssl.OPENSSL_VERSION}",
        "libraries": ", ".join(versions),
    }


def load() -> str:
    """How busy the machine is: the load average of the last minute."""
    return f"{os.getloadavg()[0]:.2f}" if hasattr(os, "getloadavg") else "unknown"


def now() -> str:
    """The minute, to stand beside a figure."""
    return datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC")


def commit() -> str:
    """The commit that runs; ``-dirty`` where files were changed beside it."""
    command = ["git", "describe", "--always", "--dirty", "--exclude=*"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parent)
    except OSError:
        return "unknown"
    return done.stdout.strip() or "unknown"


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
