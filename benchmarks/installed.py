"""The size of an installed distribution with all its dependencies, without bytecode."""

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
    """The number of installed distributions and their size in bytes."""

    distributions: int
    size: int


def installed(family: str, requirement: str) -> Installed:
    """Return what installing a requirement adds to a family's environment.

    Raises:
        PackageNotFoundError: A dependency is not installed.

    """
    [packages] = (environments.FOLDER / family / "lib").glob("python3*/site-packages")
    by_name: dict[str, Distribution] = {
        canonicalize_name(item.metadata["Name"]): item
        for item in distributions(path=[str(packages)])
    }
    return weigh(by_name, requirement)


def weigh(by_name: dict[str, Distribution], requirement: str) -> Installed:
    """Return what installing a requirement adds, given distributions by canonical name."""
    names = closure(by_name, requirement)
    return Installed(len(names), sum(_size(by_name[name]) for name in names))


def closure(by_name: dict[str, Distribution], requirement: str) -> set[str]:
    """Return the canonical names of a requirement and of its dependencies, extras included."""
    seen: set[tuple[str, str]] = set()
    waiting = [Requirement(requirement)]
    while waiting:
        current = waiting.pop()
        name = canonicalize_name(current.name)
        if name not in by_name:
            raise PackageNotFoundError(name)
        for extra in {"", *current.extras}:
            if (name, extra) not in seen:
                seen.add((name, extra))
                waiting += _needs(by_name[name], extra)
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
        # An editable installation is only a pointer; its files are in the source folder.
        folder = Path(unquote(urlsplit(json.loads(source)["url"]).path)) / "src"
        files += folder.rglob("*")
    counted = (file for file in files if "__pycache__" not in file.parts and file.is_file())
    return sum(file.stat().st_size for file in counted)
