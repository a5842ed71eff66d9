"""The cost of a call as a picture: one bar per contestant, in CPU time relative to a bare Session.post."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

_OURS, _BARE, _OTHERS = "#0b6e4f", "#444444", "#9fb3c8"
_COLUMN: Final = "CPU ratio to Session.post"


def draw(stored: Path, target: Path) -> None:
    """Write the chart of the stored ``cost`` figures to ``target`` (PNG)."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    cost = json.loads(stored.read_text(encoding="utf-8"))["figures"]["cost"]
    rows = sorted(((row[_COLUMN], name) for name, row in cost["rows"].items()), reverse=True)
    names = [name for _, name in rows]
    ratios = [ratio for ratio, _ in rows]
    figure, axes = plt.subplots(figsize=(9, 0.36 * len(rows) + 1.2), dpi=110)
    bars = axes.barh(names, ratios, color=[_colour(name) for name in names])
    axes.bar_label(bars, labels=[f"{ratio:.2f}" for ratio in ratios], padding=4, fontsize=9)
    axes.axvline(1.0, color=_BARE, linewidth=0.8, linestyle=":")
    axes.set_title("CPU time of one payment, requests.Session.post = 1 (less is better)", fontsize=11)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(axis="y", length=0)
    figure.tight_layout()
    figure.savefig(target)
    plt.close(figure)


def _colour(name: str) -> str:
    if name.startswith("molam"):
        return _OURS
    return _BARE if name == "requests Session.post" else _OTHERS
