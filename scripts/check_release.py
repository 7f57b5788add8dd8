"""Check a release: ``python scripts/check_release.py chatstore-redis-v0.1.0``.

The tag, the version in ``pyproject.toml`` and the newest entry of ``CHANGELOG.md`` must agree.
Prints the folder of the package.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import tomllib

ROOT = Path(__file__).resolve().parent.parent
_TAG = re.compile(r"(?P<name>chatstore-[a-z-]+)-v(?P<version>\d+\.\d+\.\d+\S*)")
_ENTRY = re.compile(r"^## \[?(?P<version>\d+\.\d+\.\d+\S*?)\]?(?: |$)", re.MULTILINE)


class ReleaseError(Exception):
    """The parts of a release do not agree; the text says how."""


def check_release(root: Path, tag: str) -> str:
    """Return the folder of the package that a tag releases.

    Raises:
        ReleaseError: The tag, the version and the changelog differ, or the tag names no package.

    """
    match = _TAG.fullmatch(tag)
    if match is None:
        raise ReleaseError(f"{tag!r} is not a tag like chatstore-redis-v0.1.0")
    for file in sorted(root.glob("**/pyproject.toml")):
        project = tomllib.loads(file.read_text()).get("project", {})
        if project.get("name") == match["name"] and ".venv" not in file.parts:
            _check_versions(file.parent, project["version"], match["version"])
            return file.parent.relative_to(root).as_posix()
    raise ReleaseError(f"there is no package {match['name']}")


def _check_versions(folder: Path, version: str, tagged: str) -> None:
    entry = _ENTRY.search((folder / "CHANGELOG.md").read_text())
    newest = entry["version"] if entry else None
    if not tagged == version == newest:
        raise ReleaseError(f"tag {tagged}, version {version} and changelog {newest} differ")


if __name__ == "__main__":
    try:
        print(check_release(ROOT, sys.argv[1]))
    except ReleaseError as error:
        sys.exit(str(error))
