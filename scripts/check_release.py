"""Check a release: ``python -m scripts.check_release chatstore-redis-v0.1.0``.

The tag, the version in ``pyproject.toml`` and the newest entry of ``CHANGELOG.md`` must agree.
Prints the folder of the package.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from scripts.workspace import ROOT, read_members, read_settings

_TAG = re.compile(r"(?P<name>chatstore-[a-z-]+)-v(?P<version>\d+\.\d+\.\d+\S*)")
_ENTRY = re.compile(r"^## \[?(?P<version>\d+\.\d+\.\d+\S*?)\]?(?: |$)", re.MULTILINE)


class ReleaseError(Exception):
    """The parts of a release do not agree; the text says how."""


def check_release(root: Path, tag: str) -> str:
    """Return the folder of the package that a tag releases.

    Raises:
        ReleaseError: The versions in the tag, ``pyproject.toml`` and the changelog differ, or the
            tag does not name a package.

    """
    match = _TAG.fullmatch(tag)
    if match is None:
        raise ReleaseError(f"{tag!r} is not a tag like chatstore-redis-v0.1.0")
    folder = read_members(root).get(match["name"])
    if folder is None:
        raise ReleaseError(f"there is no package {match['name']}")
    _check_versions(folder, read_settings(folder)["project"]["version"], match["version"])
    return folder.relative_to(root).as_posix()


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
