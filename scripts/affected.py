"""List affected packages: ``git diff --name-only BASE | python scripts/affected.py``.

Prints a JSON list of package folders, for a CI matrix. A package is affected by changes of its own
files and of the packages that it depends on; files outside of packages affect all of them.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable
from pathlib import Path

import tomllib

ROOT = Path(__file__).resolve().parent.parent
_NAME = re.compile(r"[A-Za-z0-9._-]+")


def read_packages(root: Path) -> dict[str, set[str]]:
    """Return each package folder, with the folders of the packages that it depends on."""
    members = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["uv"]["workspace"]
    projects = {}
    for pattern in members["members"]:
        for file in sorted(root.glob(f"{pattern}/pyproject.toml")):
            project = tomllib.loads(file.read_text())["project"]
            folder = file.parent.relative_to(root).as_posix()
            projects[folder] = (project["name"], project.get("dependencies", []))
    folders = {name: folder for folder, (name, _) in projects.items()}
    graph = {}
    for folder, (_, requirements) in projects.items():
        names = {match.group() for item in requirements if (match := _NAME.match(item))}
        graph[folder] = {folders[name] for name in names if name in folders}
    if not graph:
        raise ValueError(f"no packages found under {root}")
    return graph


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
