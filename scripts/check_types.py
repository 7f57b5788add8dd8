"""Check types with mypy and pyright: sources and tests of all packages, scripts and benchmarks.

``python -m scripts.check_types [FOLDER ...]`` checks everything, or the given folders. Both tools
get the folders that modules are imported from, which are those of the workspace's members. What
``tool.pyright.exclude`` in ``pyproject.toml`` lists is left out of both. The exit status is 1 if
one of them finds an error.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import tomllib
from scripts.workspace import ROOT, read_packages

_BIN = ROOT / ".venv" / "bin"
_PYRIGHT = ROOT / ".venv" / "pyright.json"
# In addition to the members.
_FOLDERS = ("tests", "scripts", "benchmarks", "comparison", "examples", "docs")


def pyright_settings(root: Path) -> dict[str, Any]:
    """Return the settings in ``pyproject.toml``."""
    settings: dict[str, Any] = tomllib.loads((root / "pyproject.toml").read_text())
    return dict(settings["tool"]["pyright"])


def import_folders(root: Path) -> list[str]:
    """Return the folders from which modules are imported."""
    members = [root / folder for folder in read_packages(root)]
    candidates = [folder / name for folder in members for name in ("src", "tests")]
    candidates += [root / "tests", *sorted((root / "tests").glob("*/")), root / "docs" / "backends"]
    return [str(folder) for folder in candidates if folder.is_dir()]


def python_files(root: Path, folders: Sequence[str], excluded: Sequence[str]) -> list[str]:
    """Return the files that mypy checks, relative to the root.

    mypy accepts each module name only once, and every package's tests have a ``conftest``, so only
    pyright checks those.
    """
    files = {file for folder in folders for file in (root / folder).rglob("*.py")}
    paths = sorted(file.relative_to(root).as_posix() for file in files)
    return [
        path
        for path in paths
        if not path.endswith("conftest.py")
        and not any(path == item or path.startswith(f"{item}/") for item in excluded)
    ]


def run_mypy(files: Sequence[str]) -> bool:
    """Return whether mypy finds no error."""
    environment = {**os.environ, "MYPYPATH": os.pathsep.join(import_folders(ROOT))}
    command = [str(_BIN / "mypy"), *files]
    return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode == 0


def run_pyright(folders: Sequence[str], settings: dict[str, Any]) -> bool:
    """Return whether pyright finds no error."""
    # Paths are relative to the file with the settings.
    settings["include"] = [f"../{folder}" for folder in folders]
    settings["exclude"] = [f"../{folder}" for folder in settings["exclude"]]
    settings["extraPaths"] = [str(ROOT), *import_folders(ROOT)]
    settings["venvPath"] = ".."
    _PYRIGHT.write_text(json.dumps(settings))
    command = [str(_BIN / "pyright"), "--project", str(_PYRIGHT)]
    return subprocess.run(command, cwd=ROOT, check=False).returncode == 0


def main(arguments: Sequence[str]) -> int:
    """Run both tools and return the exit status."""
    folders = list(arguments) or [*read_packages(ROOT), *_FOLDERS]
    settings = pyright_settings(ROOT)
    passed = [
        run_mypy(python_files(ROOT, folders, settings["exclude"])),
        run_pyright(folders, settings),
    ]
    return 0 if all(passed) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
