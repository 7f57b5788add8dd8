"""What installing a distribution brings: its own files and those of all that it depends on.

Compiled bytecode is not counted, as it depends on the installer.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distributions
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from benchmarks import environments


class Installed(NamedTuple):
    """How much a distribution brings, itself included."""

    distributions: int
    size: int


def installed(family: str, requirement: str) -> Installed:
    """Return what a requirement brings into a family's environment.

    Raises:
        PackageNotFoundError: The environment lacks something that it asks for.

    """
    [packages] = (environments.FOLDER / family / "lib").glob("python3*/site-packages")
    found = {
        canonicalize_name(one.metadata["Name"]): one for one in distributions(path=[str(packages)])
    }
    return brought(found, requirement)


def brought(found: dict[str, Distribution], requirement: str) -> Installed:
    """Return what a requirement brings, out of distributions by their canonical names."""
    names = closure(found, requirement)
    return Installed(len(names), sum(_size(found[name]) for name in names))


def closure(found: dict[str, Distribution], requirement: str) -> set[str]:
    """Return the canonical names of a requirement and of all that it needs, with its extras."""
    seen: set[tuple[str, str]] = set()
    waiting = [Requirement(requirement)]
    while waiting:
        wanted = waiting.pop()
        name = canonicalize_name(wanted.name)
        if name not in found:
            raise PackageNotFoundError(name)
        for extra in {"", *wanted.extras}:
            if (name, extra) not in seen:
                seen.add((name, extra))
                waiting += _needs(found[name], extra)
    return {name for name, _ in seen}


def _needs(distribution: Distribution, extra: str) -> Iterator[Requirement]:
    for text in distribution.requires or ():
        needed = Requirement(text)
        if needed.marker is None or needed.marker.evaluate({"extra": extra}):
            yield needed


def _size(distribution: Distribution) -> int:
    files = [Path(str(distribution.locate_file(file))) for file in distribution.files or ()]
    source = distribution.read_text("direct_url.json")
    if source is not None and json.loads(source).get("dir_info", {}).get("editable"):
        # Installed are a pointer and the metadata: what would be installed is in the source folder.
        folder = Path(unquote(urlsplit(json.loads(source)["url"]).path)) / "src"
        files += folder.rglob("*")
    counted = (file for file in files if "__pycache__" not in file.parts and file.is_file())
    return sum(file.stat().st_size for file in counted)
