"""Draw charts of a run: ``python -m benchmarks.charts results.json FOLDER``.

A chart has the cost of calls against the length of a conversation, and the appends of many tasks.

The charts are readable on light and dark pages: they have no background, text and grid are grey,
and each line has its own color and its own marker.
"""

from __future__ import annotations

import json
import statistics
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl

from benchmarks.figures import Run, median

mpl.use("Agg")
from matplotlib import pyplot as plt
from matplotlib.ticker import MaxNLocator

_COLORS = ("#2f81f7", "#1f9e89", "#d9730d", "#c2408c", "#8f6fe8", "#7d8590", "#b08800", "#d1242f")
_MARKERS = "osv^DPX*"
_GRAY = "#7d8590"
_FEW = 10  # times the least value; a shorter axis has labels between the powers of ten
_WORKLOADS = ("append", "window", "read")


def main() -> None:
    """Draw a chart for each server."""
    results, folder = Path(sys.argv[1]), Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    run = Run(json.loads(results.read_text())["results"])
    mpl.rcParams.update(
        {"text.color": _GRAY, "axes.labelcolor": _GRAY, "axes.edgecolor": _GRAY, "font.size": 10}
    )
    mpl.rcParams.update({"xtick.color": _GRAY, "ytick.color": _GRAY, "svg.fonttype": "none"})
    mpl.rcParams["svg.hashsalt"] = "chatstore"  # the same results make the same file
    for server in run.servers():
        _draw(run, server, folder)


def _draw(run: Run, server: str, folder: Path) -> None:
    figure, axes = plt.subplots(2, 2, figsize=(10, 7.6), layout="constrained")
    numbers = {name: number for number, name in enumerate(run.subjects(server))}
    for workload, axis in zip(_WORKLOADS, axes.flat, strict=False):
        _draw_calls(run, server, workload, axis, numbers)
    _draw_tasks(run, server, axes.flat[-1], numbers)
    for axis in axes.flat:
        axis.grid(visible=True, color=_GRAY, alpha=0.25, linewidth=0.6)
        axis.spines[["top", "right"]].set_visible(False)
    handles, labels = axes.flat[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4, frameon=False)
    figure.suptitle(server)
    for suffix in ("svg", "png"):
        metadata = {"Date": None} if suffix == "svg" else None
        figure.savefig(folder / f"{server}.{suffix}", transparent=True, dpi=150, metadata=metadata)
    plt.close(figure)


def _draw_calls(run: Run, server: str, workload: str, axis: Any, numbers: dict[str, int]) -> None:
    for subject, number in numbers.items():
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
    axis.set(xscale="log", yscale="log", title=f"{workload}, milliseconds a call")
    axis.set_xlabel("messages in the conversation")
    axis.xaxis.set_major_formatter("{x:,.0f}")
    axis.yaxis.set_major_formatter("{x:,g}")
    low, high = axis.get_ylim()
    axis.yaxis.set_minor_formatter("{x:g}" if high < _FEW * low else "")


def _draw_tasks(run: Run, server: str, axis: Any, numbers: dict[str, int]) -> None:
    """Draw a bar for each package and number of conversations; the first package is at the top."""
    races = [
        race
        for race in run.on(server, "writers")
        if race["tasks"] > 1 and race["subject"] in numbers
    ]
    if not races:
        axis.set_axis_off()
        return
    races.sort(key=lambda race: (race["keys"], -numbers[race["subject"]]))
    counts = [race["keys"] for race in races]
    positions = [
        position + (count > 1) for position, count in enumerate(counts)
    ]  # a gap between groups
    for position, race in zip(positions, races, strict=True):
        rate = statistics.median(race["rates"])
        axis.barh(position, rate, color=_COLORS[numbers[race["subject"]]])
        is_lossy = race["stored"] is not None and race["stored"] < race["acknowledged"]
        text = f" {rate:,.0f} {race['subject']}" + (", loses messages" if is_lossy else "")
        axis.annotate(text, (rate, position), va="center", color=_GRAY, fontsize=9)
    groups = {
        f"{count} conversation{'s' if count > 1 else ''}": statistics.mean(
            position for position, other in zip(positions, counts, strict=True) if other == count
        )
        for count in dict.fromkeys(counts)
    }
    axis.set_yticks(list(groups.values()), list(groups), rotation=90, va="center")
    axis.tick_params(axis="y", length=0)
    axis.xaxis.set_major_formatter("{x:,.0f}")
    axis.xaxis.set_major_locator(MaxNLocator(5))
    axis.set(title=f"appends a second of {races[0]['tasks']} tasks")
    axis.margins(x=0.6)


if __name__ == "__main__":
    main()
