"""The sandbox as a program: `python -m molam_sdk.sandbox`, which is also `molam sandbox`."""

import argparse
import json
import logging
import signal
import sys
import threading
from collections.abc import Sequence
from types import FrameType
from typing import Any

from . import DatabaseInUseError, Sandbox
from .faults import KINDS
from .logs import write_json_lines
from .problems import ERROR_FORMATS

DEFAULT_PORT = 8642


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


def _options(program: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(program, description="An offline Molam to build and test against.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help="0 takes a free one (%(default)s)")
    parser.add_argument("--db", metavar="FILE", help="keep everything in this file (memory)")
    parser.add_argument("--rate", type=float, metavar="N", help="requests a second per key (no limit)")
    parser.add_argument("--seed", type=int, default=0, help="decides faults, jitter and the API key (%(default)s)")
    parser.add_argument("--api-key", metavar="KEY", help="the key to accept, sk_test_… (made from the seed)")
    parser.add_argument("--error-format", choices=list(ERROR_FORMATS), default="standard")
    parser.add_argument("--cors", action="append", default=[], metavar="ORIGIN", help="may be repeated")
    parser.add_argument(
        "--fault", action="append", default=[], metavar="KIND:NAME=VALUE,…", help=f"may be repeated; {', '.join(KINDS)}"
    )
    parser.add_argument("--grace", type=float, default=5.0, help="seconds to finish requests (%(default)s)")
    parser.add_argument("--allow-remote", action="store_true", help="permit a host that others can reach")
    parser.add_argument("--quiet", action="store_true", help="log warnings only")
    return parser


def _sandbox(chosen: argparse.Namespace) -> Sandbox:
    sandbox = Sandbox(
        chosen.port,
        chosen.db,
        chosen.rate,
        chosen.seed,
        host=chosen.host,
        allow_remote=chosen.allow_remote,
        api_key=chosen.api_key,
        error_format=chosen.error_format,
        cors_origins=chosen.cors,
        grace=chosen.grace,
    )
    for spec in chosen.fault:
        sandbox.faults.add(**read_fault(spec))
    return sandbox


def _run(sandbox: Sandbox, place: str) -> None:
    """Serve until SIGTERM or SIGINT; running requests finish."""
    over = threading.Event()

    def leave(_number: int, _frame: FrameType | None) -> None:
        over.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, leave)
    with sandbox:
        lines = (
            f"Molam sandbox: {sandbox.url}",
            f"API key:       {sandbox.api_key}",
            f"Documents:     {sandbox.url}/docs",
            f"Database:      {place}",
        )
        sys.stdout.write("\n".join(lines) + "\n")
        sys.stdout.flush()
        # In short waits, since on Windows a signal does not end a long one.
        while not over.wait(0.5):
            pass


def main(arguments: Sequence[str] | None = None, program: str = "python -m molam_sdk.sandbox") -> int:
    """Run the sandbox until it is told to stop; returns the exit code."""
    parser = _options(program)
    chosen = parser.parse_args(arguments)
    try:
        sandbox = _sandbox(chosen)
        write_json_lines(logging.WARNING if chosen.quiet else logging.INFO)
        _run(sandbox, chosen.db or "memory")
    except (ValueError, TypeError, OSError, DatabaseInUseError) as error:
        sys.stderr.write(f"{program}: {error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
