"""Runs the benchmarks: ``python -m benchmarks --help``."""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Final

from . import machine
from .chart import draw
from .compare import compare
from .figures import Figures, Options
from .report import write

# What can be run, in this order, and the function that measures it: from Options to Figures.
BENCHMARKS: Final = {
    "cost": "cost:measure",
    "features": "cost:measure_features",
    "threads": "threads:measure",
    "bursts": "threads:measure_bursts",
    "tls": "tls:measure",
    "imports": "imports:measure",
    "sandbox": "sandbox_creates:measure",
    "webhooks": "webhooks:measure",
    "journal": "journal:measure",
    "journal_rows": "journal_rows:measure",
    "claims": "claims:measure",
    "redaction": "redaction:measure",
    "async": "async_client:measure",
    "soak": "soak:measure",
}
_ONLY_WHEN_NAMED: Final = {"soak"}
_SHORT: Final = Options(rounds=15, seconds=0.5)


def main(arguments: list[str] | None = None) -> int:
    """Measure, print, and store; or compare two stored runs."""
    options = _parse(arguments)
    if options.compare:
        print(compare(*options.compare))
        return 0
    names = options.names or [name for name in BENCHMARKS if name not in _ONLY_WHEN_NAMED]
    results: list[Figures] = []
    default = _SHORT if options.short else Options()
    how = Options(options.rounds or default.rounds, options.seconds or default.seconds, options.only)
    for name in () if names == ["nothing"] else names:
        figures = _run(name, how)
        if figures is not None:
            print(figures.as_markdown(), flush=True)
            results.append(figures)
    if options.json and results:
        _store(options.json, results)
    if options.chart:
        draw(options.json, options.chart)
    if options.report:
        write(options.json, options.report)
    return 0


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Figures beside a bare requests.Session")
    parser.add_argument("names", nargs="*", choices=[*BENCHMARKS, "nothing", []], help="all but soak")
    parser.add_argument("--rounds", type=int, help=f"rounds per contestant ({Options().rounds})")
    parser.add_argument("--seconds", type=float, help=f"length of each timed run ({Options().seconds:g})")
    parser.add_argument("--short", action="store_true", help="all in some four minutes: fewer rounds, shorter runs")
    parser.add_argument("--only", default="", help="contestants whose name holds this, and the bare post")
    parser.add_argument("--json", type=Path, help="store the figures here; adds to what it holds")
    parser.add_argument("--chart", type=Path, help="draw the stored cost of a call as a PNG (needs matplotlib)")
    parser.add_argument("--report", type=Path, help="write what is stored into this document")
    parser.add_argument("--compare", nargs=2, type=Path, metavar=("BEFORE", "AFTER"), help="two stored runs")
    options = parser.parse_args(arguments)
    if (options.chart or options.report) and not options.json:
        parser.error("--chart and --report show what --json has stored")
    return options


def _run(name: str, options: Options) -> Figures | None:
    module, _, function = BENCHMARKS[name].partition(":")
    taken = {"at": machine.now(), "commit": machine.commit(), "load before": machine.load()}
    try:
        measured = getattr(importlib.import_module(f"benchmarks.{module}"), function)(options)
    except ImportError as absent:
        print(f"left out: {name} ({absent})", file=sys.stderr)
        return None
    assert isinstance(measured, Figures)
    return replace(measured, taken=taken | {"load after": machine.load()})


def _store(path: Path, results: list[Figures]) -> None:
    held = json.loads(path.read_text(encoding="utf-8"))["figures"] if path.exists() else {}
    held |= {figures.name: figures.as_json() for figures in results}
    text = json.dumps({"machine": machine.describe(), "figures": held}, indent=1, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
