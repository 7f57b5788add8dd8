"""Check types with mypy and pyright: sources and tests of all packages, scripts and benchmarks.

``python -m scripts.check_types [FOLDER ...]`` checks everything, or the given packages. mypy needs
the folders that modules are imported from, which are those of the workspace's members; pyright
finds them itself. Tests that ``tool.pyright.exclude`` in ``pyproject.toml`` names are left out.
The exit status is 1 if one of the two finds an error.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import tomllib
from scripts.affected import ROOT, read_packages

_BIN = ROOT / ".venv" / "bin"
# Folders beside the members that have Python files.
_FOLDERS = ("tests", "scripts", "benchmarks", "examples")


def excluded(root: Path) -> list[str]:
    """Return the folders and files that are not annotated yet."""
    settings = tomllib.loads((root / "pyproject.toml").read_text())
    folders: list[str] = settings["tool"]["pyright"]["exclude"]
    return folders


def import_folders(root: Path) -> list[str]:
    """Return the folders from which modules are imported."""
    members = [root / folder for folder in read_packages(root)]
    candidates = [folder / name for folder in members for name in ("src", "tests")]
    candidates += [root / "tests", *sorted((root / "tests").glob("*/"))]
    return [str(folder) for folder in candidates if folder.is_dir()]


def python_files(root: Path, folders: Sequence[str], left_out: Sequence[str]) -> list[str]:
    """Return the files that mypy checks, relative to the root.

    mypy accepts each name of a module once, and every package's tests have a ``conftest``, so
    pyright alone checks those.
    """
    files = {file for folder in folders for file in (root / folder).rglob("*.py")}
    paths = sorted(file.relative_to(root).as_posix() for file in files)
    skipped = tuple(left_out)
    return [
        path
        for path in paths
        if not path.endswith("/conftest.py") and not path.startswith(skipped or ("/",))
    ]


def main(arguments: Sequence[str]) -> int:
    """Run both tools and return the exit status."""
    folders = list(arguments) or [*read_packages(ROOT), *_FOLDERS]
    files = python_files(ROOT, folders, excluded(ROOT))
    environment = {**os.environ, "MYPYPATH": os.pathsep.join(import_folders(ROOT))}
    commands = [["mypy", *files], ["pyright", *arguments]]
    statuses = [
        subprocess.run([_BIN / name, *rest], cwd=ROOT, env=environment, check=False).returncode
        for name, *rest in commands
    ]
    return 1 if any(statuses) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
