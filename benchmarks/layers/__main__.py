"""Measure what layers add to calls, and write the table of the documentation: ``make layers``."""

from __future__ import annotations

import argparse
import re
import warnings
from collections.abc import Sequence

from benchmarks import environments
from benchmarks.layers.measure import CALLS, Cost, measure
from benchmarks.layers.subjects import LAYERS, PLAIN

_PAGE = environments.ROOT / "docs" / "layers.md"
_TABLE = re.compile(r"(<!-- costs -->\n).*(<!-- end of costs -->)", re.DOTALL)


def main() -> None:
    """Read the arguments, measure, and write."""
    parser = argparse.ArgumentParser(prog="make layers", description=__doc__)
    parser.add_argument("--calls", type=int, default=2000, help="calls of each store")
    parser.add_argument("--servers", nargs="+", default=["redis", "postgres"])
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")  # about estimates of tokens
    environments.prepare("bare")  # has the servers
    costs = [cost for kind in arguments.servers for cost in measure(kind, arguments.calls)]
    table = "\n".join(rows(costs))
    print(table)
    text = _PAGE.read_text()
    _PAGE.write_text(_TABLE.sub(lambda match: f"{match[1]}{table}\n{match[2]}", text))


def rows(costs: Sequence[Cost]) -> list[str]:
    """Return the lines of the table: ratios, and microseconds without layers."""
    columns = [(kind, call) for kind in dict.fromkeys(cost.server for cost in costs)
               for call in CALLS]  # fmt: skip
    by_place = {(cost.server, cost.call, cost.layer): cost for cost in costs}
    titles = [f"{call}, {kind}" for kind, call in columns]
    lines = ["| layer | " + " | ".join(titles) + " |", "| --- |" + " --- |" * len(titles)]
    times = [f"{by_place[column[0], column[1], PLAIN].seconds * 1e6:.0f} µs" for column in columns]
    lines.append(f"| {PLAIN} | " + " | ".join(times) + " |")
    for layer in LAYERS:
        ratios = [f"{by_place[column[0], column[1], layer].ratio:.2f} ×" for column in columns]
        lines.append(f"| {layer} | " + " | ".join(ratios) + " |")
    return lines


if __name__ == "__main__":
    main()
