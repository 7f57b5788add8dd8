"""The workspace: its root, its distributions, and which of them depend on each other."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import tomllib

ROOT = Path(__file__).resolve().parent.parent
_NAME = re.compile(r"[A-Za-z0-9._-]+")


def read_settings(folder: Path) -> dict[str, Any]:
    """Return the content of a folder's ``pyproject.toml``."""
    settings: dict[str, Any] = tomllib.loads((folder / "pyproject.toml").read_text())
    return settings


def read_members(root: Path) -> dict[str, Path]:
    """Return the folder of each workspace distribution, by its name."""
    workspace = read_settings(root)["tool"]["uv"]["workspace"]
    files = [file for glob in workspace["members"] for file in root.glob(f"{glob}/pyproject.toml")]
    folders = sorted(file.parent for file in files)
    return {read_settings(folder)["project"]["name"]: folder for folder in folders}


def read_packages(root: Path) -> dict[str, set[str]]:
    """Return each package folder, with the folders of the packages that it depends on.

    Raises:
        ValueError: The workspace has no packages.

    """
    members = read_members(root)
    folders = {name: folder.relative_to(root).as_posix() for name, folder in members.items()}
    graph = {}
    for name, folder in folders.items():
        requirements = read_settings(members[name])["project"].get("dependencies", [])
        names = {match.group() for item in requirements if (match := _NAME.match(item))}
        graph[folder] = {folders[other] for other in names & folders.keys()}
    if not graph:
        raise ValueError(f"no packages found under {root}")
    return graph
