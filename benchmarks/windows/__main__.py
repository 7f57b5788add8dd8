"""Measure windows, and write the tables and the chart of the documentation: ``make windows``.

``--conversations FILE`` also measures real conversations: a JSONL file with ``messages`` in
OpenAI's format a line. Without it, their tables stay as they are.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.windows import chart, conversations, pages
from benchmarks.windows.measure import Summary, measure
from benchmarks.windows.policies import POLICIES
from chatstore.core import ChatMessage

LIMITS = (3000, 8000, 32_000)
_COST_TURNS, _COST_LIMIT = 100, 8000


def main() -> None:
    """Read the arguments, measure, and write."""
    parser = argparse.ArgumentParser(prog="make windows", description=__doc__)
    parser.add_argument("--conversations", type=Path, metavar="FILE")
    parser.add_argument("--turns", type=int, default=400)
    arguments = parser.parse_args()
    tables: dict[str, Mapping[str, Sequence[Summary]]] = {}
    for name, kind in conversations.KINDS.items():
        tables[name] = _measure(name, [conversations.generate(kind, arguments.turns)])
    if arguments.conversations is not None:
        real = conversations.read(arguments.conversations)
        tables["real conversations"] = _measure("real conversations", real)
        name = "real conversations, joined"
        tables[name] = _measure(name, [conversations.join(real)])
    for name, rows in tables.items():
        pages.write_table(name, LIMITS, rows)
    chart.write(LIMITS, tables["chat with tools"])
    kind = conversations.KINDS["agent runs"]
    costs = [conversations.generate(kind, _COST_TURNS)]
    pages.write_costs({name: measure(costs, make, _COST_LIMIT) for name, make in POLICIES.items()})


def _measure(
    name: str, measured: Sequence[Sequence[ChatMessage]]
) -> Mapping[str, Sequence[Summary]]:
    rows: dict[str, list[Summary]] = {}
    for policy, make in POLICIES.items():
        rows[policy] = []
        for limit in LIMITS:
            summary = measure(measured, make, limit)
            rows[policy].append(summary)
            print(f"{name}, {policy}, {limit:,}: {summary.reuse:.1%}", flush=True)
    return rows


if __name__ == "__main__":
    main()
