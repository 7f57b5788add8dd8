"""Test distributions with the lowest versions that their bounds allow.

``python -m scripts.lowest_versions [NAME ...] [-- PYTEST_ARGUMENT ...]`` tests the named
distributions, or all. Each gets a virtual environment of its own in a temporary folder with the
distribution and the workspace distributions that it needs (editable), their dependencies at the
lowest allowed versions, and the tools of the tests at the versions in ``constraints.txt``.

Prints one line per distribution. The exit status is 1 if one of them failed.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree as ET

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from scripts.workspace import ROOT, read_members, read_settings

# Not a declared tool: `pytest -n` makes the tests faster here, too.
_TOOLS = ("pytest-xdist",)
# No test uses anyio's plugin, and older versions of it warn under a new pytest.
_PLUGINS = ("-p", "no:cacheprovider", "-p", "no:anyio")
_PIN = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^\s;\\]+)", re.MULTILINE)
_INTERRUPTED = 2  # from here on, pytest's exit status says that it did not run the tests


class LowestError(Exception):
    """A distribution cannot be tested; the message says why."""


@dataclass
class Environment:
    """What is installed to test one distribution.

    Attributes:
        members: Folders of workspace distributions, each with the extras that are needed.
        lowest: Names of dependencies that are tested at their lowest allowed versions.
        tools: Names of what only the tests need, each with the extras that are needed.

    """

    members: dict[Path, set[str]] = field(default_factory=dict)
    lowest: set[str] = field(default_factory=set)
    tools: dict[str, set[str]] = field(default_factory=dict)


def read_pins(root: Path) -> dict[str, str]:
    """Return the version of each package in ``constraints.txt``, by its normalized name."""
    text = (root / "constraints.txt").read_text()
    return {canonicalize_name(m["name"]): m["version"] for m in _PIN.finditer(text)}


def plan_environment(members: dict[str, Path], name: str) -> Environment:
    """Return what to install to test the distribution `name`.

    A package that a distribution depends on is tested at its lowest version, even if the tests
    name it too. The extra "testing" and the dependency group "test" contain tools.

    Raises:
        LowestError: `name` is not a distribution of this workspace.

    """
    if name not in members:
        raise LowestError(f"unknown distribution {name!r}; known: {', '.join(members)}")
    environment = Environment(tools={name: set() for name in _TOOLS})
    group = read_settings(members[name]).get("dependency-groups", {}).get("test", [])
    pending = [(item, "testing") for item in (name, *group)]
    while pending:
        item, source = pending.pop()
        requirement = Requirement(item)
        required = canonicalize_name(requirement.name)
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            continue
        if required not in members:
            if source == "testing":
                environment.tools.setdefault(required, set()).update(requirement.extras)
            else:
                environment.lowest.add(required)
            continue
        folder = members[required]
        known = environment.members.get(folder)
        extras = requirement.extras - (known or set())
        environment.members.setdefault(folder, set()).update(extras)
        project = read_settings(folder)["project"]
        if known is None:
            pending += [(item, "") for item in project.get("dependencies", [])]
        for extra in extras:
            pending += [(item, extra) for item in project["optional-dependencies"][extra]]
    for package in environment.lowest:
        environment.tools.pop(package, None)
    return environment


def requirements_of(environment: Environment, pins: dict[str, str]) -> list[str]:
    """Return the arguments of ``uv pip install`` for an environment.

    Raises:
        LowestError: ``constraints.txt`` does not pin a tool of the tests.

    """
    arguments = []
    for folder, extras in environment.members.items():
        arguments += ["--editable", f"{folder}{_bracketed(extras)}"]
    for tool, extras in sorted(environment.tools.items()):
        if tool not in pins:
            raise LowestError(
                f"constraints.txt does not pin {tool}; generate it as in CONTRIBUTING.md"
            )
        arguments.append(f"{tool}{_bracketed(extras)}=={pins[tool]}")
    return arguments


def count_results(report: Path) -> str:
    """Return how many tests passed, failed and were skipped, from pytest's JUnit report."""
    suites = list(ET.parse(report).getroot().iter("testsuite"))  # noqa: S314 - pytest wrote it
    total, failed, errors, skipped = (
        sum(int(suite.attrib[key]) for suite in suites)
        for key in ("tests", "failures", "errors", "skipped")
    )
    passed = total - failed - errors - skipped
    return f"{passed} passed, {failed} failed, {errors} errors, {skipped} skipped"


def run_tests(root: Path, name: str, options: Sequence[str]) -> bool:
    """Test one distribution, print its line, and return whether all of its tests passed.

    Raises:
        LowestError: The environment cannot be created, or pytest did not run the tests.

    """
    members = read_members(root)
    environment = plan_environment(members, name)
    arguments = requirements_of(environment, read_pins(root))
    with tempfile.TemporaryDirectory(prefix="chatstore-lowest-") as folder:
        Path(folder).chmod(0o755)  # root's tests start servers from here as another user
        python = f"{folder}/venv/bin/python"
        _uv(root, "venv", "--quiet", "--python", sys.executable, f"{folder}/venv")
        install = ("pip", "install", "--quiet", "--python", python)
        _uv(root, *install, "--resolution", "lowest-direct", *arguments)
        listed = json.loads(_uv(root, "pip", "list", "--python", python, "--format", "json"))
        versions = {str(canonicalize_name(item["name"])): item["version"] for item in listed}
        report = Path(folder) / "report.xml"
        pytest = (python, "-m", "pytest", "-q", "--tb=short", *_PLUGINS)
        tests = members[name].relative_to(root) / "tests"
        command = (*pytest, f"--junitxml={report}", str(tests), *options)
        result = subprocess.run(command, cwd=root, check=False, capture_output=True, text=True)
        if result.returncode:
            print(result.stdout, result.stderr, sep="\n", file=sys.stderr)
        if result.returncode >= _INTERRUPTED:
            raise LowestError(f"pytest ended with status {result.returncode}")
        counts = count_results(report)
    tested = ", ".join(f"{package} {versions[package]}" for package in sorted(environment.lowest))
    print(f"{name}: {counts} with {tested}", flush=True)
    return result.returncode == 0


def _bracketed(extras: set[str]) -> str:
    return f"[{','.join(sorted(extras))}]" if extras else ""


def _uv(root: Path, *arguments: str) -> str:
    command = (str(root / ".venv" / "bin" / "uv"), *arguments)
    result = subprocess.run(command, cwd=root, check=False, capture_output=True, text=True)
    if result.returncode:
        raise LowestError(f"uv {' '.join(arguments[:2])} failed:\n{result.stderr}")
    return result.stdout


def main(arguments: Sequence[str]) -> int:
    """Test the named distributions, or all, and return the exit status."""
    split = arguments.index("--") if "--" in arguments else len(arguments)
    names, options = arguments[:split], arguments[split + 1 :]
    passed = True
    for name in names or read_members(ROOT):
        try:
            passed &= run_tests(ROOT, name, options)
        except LowestError as error:
            print(f"{name}: {error}", file=sys.stderr)
            passed = False
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
