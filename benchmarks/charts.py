"""Draw charts of cost against length: ``python -m benchmarks.charts results.json FOLDER``.

The charts are readable on light and dark pages: they have no background, text and grid are grey,
and each line has its own color and its own marker.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import matplotlib as mpl

from benchmarks.figures import Run, median

mpl.use("Agg")
from matplotlib import pyplot as plt

_COLORS = ("#2f81f7", "#1f9e89", "#d9730d", "#c2408c", "#8f6fe8", "#7d8590", "#b08800")
_MARKERS = "osv^DPX"
_GREY = "#7d8590"
_WORKLOADS = ("append", "window", "read")


def main() -> None:
    """Draw a chart for each server."""
    results, folder = Path(sys.argv[1]), Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    run = Run(json.loads(results.read_text())["results"])
    mpl.rcParams.update(
        {"text.color": _GREY, "axes.labelcolor": _GREY, "axes.edgecolor": _GREY, "font.size": 10}
    )
    mpl.rcParams.update({"xtick.color": _GREY, "ytick.color": _GREY, "svg.fonttype": "none"})
    mpl.rcParams["svg.hashsalt"] = "chatstore"  # the same results make the same file
    for server in run.servers():
        _draw(run, server, folder)


def _draw(run: Run, server: str, folder: Path) -> None:
    figure, axes = plt.subplots(1, len(_WORKLOADS), figsize=(12, 4.2), layout="constrained")
    for workload, axis in zip(_WORKLOADS, axes, strict=True):
        for number, subject in enumerate(run.subjects(server)):
            cells = [run.call(server, subject, workload, length) for length in run.lengths()]
            points = [(cell["length"], median(cell) * 1e3) for cell in cells if cell]
            if points:
                axis.plot(
                    *zip(*points, strict=True),
                    color=_COLORS[number],
                    marker=_MARKERS[number],
                    markersize=5,
                    linewidth=2.2 if subject.startswith("chatstore") else 1.2,
                    label=subject,
                )
        axis.set(xscale="log", yscale="log", title=workload, xlabel="messages in the conversation")
        axis.grid(visible=True, color=_GREY, alpha=0.25, linewidth=0.6)
        axis.spines[["top", "right"]].set_visible(False)
    axes[0].set_ylabel("milliseconds a call")
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4, frameon=False)
    figure.suptitle(server)
    for suffix in ("svg", "png"):
        metadata = {"Date": None} if suffix == "svg" else None
        figure.savefig(folder / f"{server}.{suffix}", transparent=True, dpi=150, metadata=metadata)
    plt.close(figure)


if __name__ == "__main__":
    main()
