"""List affected packages: ``git diff --name-only BASE | python -m scripts.affected``.

Prints a JSON list of package folders, for a CI matrix. A package is affected by changes of its own
files and of the packages that it depends on; files outside of packages affect all of them.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable

from scripts.workspace import ROOT, read_packages


def affected(graph: dict[str, set[str]], paths: Iterable[str]) -> list[str]:
    """Return the folders of the packages that changed paths affect, sorted."""
    changed: set[str] = set()
    for path in paths:
        owners = {folder for folder in graph if path.startswith(f"{folder}/")}
        changed |= owners or set(graph)
    while True:
        further = {folder for folder, needs in graph.items() if needs & changed} - changed
        if not further:
            return sorted(changed)
        changed |= further


def main() -> None:
    """Read paths from standard input; print the list, and its length to standard error."""
    graph = read_packages(ROOT)
    folders = affected(graph, [line.strip() for line in sys.stdin if line.strip()])
    print(json.dumps(folders))
    print(f"{len(folders)} of {len(graph)} packages are affected", file=sys.stderr)


if __name__ == "__main__":
    main()
