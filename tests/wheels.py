"""Build the wheels of this project, and install each one alone."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple, TypeVar

from scripts.workspace import ROOT

T = TypeVar("T")
R = TypeVar("R")
UV = shutil.which("uv", path=Path(sys.executable).parent) or "uv"
_AT_THE_SAME_TIME = 3  # builds and installations; they wait for the disk as well
_SECONDS = 600  # timeout of a command

# Import every module except those for tests, and open a store of each scheme that the
# distribution registers. The addresses lead nowhere, and nothing is sent.
_CHECK = """
import importlib, json, pkgutil, sys
from importlib.metadata import distribution, entry_points

name, urls = sys.argv[1], json.loads(sys.argv[2])
files = distribution(name).files
leaf = next(file.parts[1] for file in files if file.parts[0] == "chatstore")
package = importlib.import_module(f"chatstore.{leaf}")
modules, refused = [package.__name__], []
for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
    if "testing" not in module.name.split(".") and not module.name.endswith("__main__"):
        try:
            importlib.import_module(module.name)
        except ImportError as error:
            refused.append([module.name, str(error)])
        else:
            modules.append(module.name)

from chatstore.core import open_store

stores = {}
for entry in entry_points(group="chatstore.backends"):
    if entry.dist.name == name:
        with open_store(urls[entry.name]) as store:
            stores[entry.name] = repr(store)
result = {"version": distribution(name).version, "modules": modules, "refused": refused}
print(json.dumps({**result, "stores": stores}))
"""


class Installed(NamedTuple):
    """A distribution that was installed alone.

    Attributes:
        python: The interpreter of its environment.
        version: The distribution's version.
        modules: The modules that were imported.
        refused: The modules that could not be imported, with the errors.
        stores: The stores that were opened, by the schemes of their URLs.

    """

    python: Path
    version: str
    modules: list[str]
    refused: list[tuple[str, str]]
    stores: dict[str, str]


def run(
    *command: object, cwd: Path | None = None, environment: Mapping[str, str] | None = None
) -> str:
    """Run a command and return what it prints.

    Raises:
        AssertionError: The command failed; the text is its output.

    """
    result = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=_SECONDS,
    )
    if result.returncode:
        raise AssertionError(result.stdout + result.stderr)
    return result.stdout


def build_all(sources: Iterable[Path], folder: Path) -> None:
    """Build a wheel of each source folder."""

    def build(source: Path) -> None:
        run(UV, "build", "-q", "--wheel", "--no-build-isolation", "--out-dir", folder, source)

    at_once(build, sources)


def install(folder: Path, wheels: Path, *requirements: str, pins: bool = True) -> Path:
    """Install distributions and what they depend on into a new environment.

    Args:
        folder: The environment.
        wheels: The wheels of this project.
        requirements: What to install.
        pins: Whether to install the versions that the workspace has.

    Returns:
        The environment's interpreter.

    """
    run(UV, "venv", "-q", "--python", sys.executable, folder)
    python = folder / "bin" / "python"
    # The pinned versions are in uv's cache, so installing them takes no time.
    options = ("--constraint", ROOT / "constraints.txt") if pins else ()
    command = (UV, "pip", "install", "-q", "--python", python, "--find-links", wheels)
    run(*command, *options, *requirements)
    return python


def check(folder: Path, wheels: Path, name: str, urls: dict[str, str]) -> Installed:
    """Install a distribution alone, import its modules and open its stores."""
    python = install(folder, wheels, name)
    # Warnings of third parties are not this project's.
    output = run(python, "-W", "ignore", "-c", _CHECK, name, json.dumps(urls), cwd=folder)
    return Installed(python, **json.loads(output.splitlines()[-1]))


def at_once(function: Callable[[T], R], items: Iterable[T]) -> list[R]:
    """Call a function with each item, several at the same time."""
    with ThreadPoolExecutor(_AT_THE_SAME_TIME) as pool:
        return list(pool.map(function, items))
