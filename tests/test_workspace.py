"""Rules for the files of every distribution and of the workspace."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import tomllib
from scripts.plain_english import tracked_files
from scripts.workspace import ROOT, read_members

PACKAGES = list(read_members(ROOT).values())
# Written in parts, so that this file does not contain what it looks for.
REGISTRY_HOSTS = re.compile(r"files\.pythonhosted|pypi\." r"org|registry\.npm" r"js|index-" r"url")
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
CONFLICTS = re.compile(r"^(<{7}|>{7}) \S", re.MULTILINE)
PINNED = re.compile(r"uses: [\w./-]+@[0-9a-f]{40}  # v\d+\.\d+\.\d+")


def files() -> list[Path]:
    return [ROOT / path for path in tracked_files(ROOT)]


def test_every_package_is_complete() -> None:
    assert len(PACKAGES) >= 2
    for package in PACKAGES:
        for name in ("README.md", "CHANGELOG.md", "tests"):
            assert (package / name).exists(), f"{package.name} has no {name}"
        # A wheel contains the licence; a link out of its folder cannot be built.
        assert (package / "LICENSE").read_text() == (ROOT / "LICENSE").read_text(), package.name
        assert list(package.glob("src/chatstore/*/py.typed")), package.name
        assert not (package / "src" / "chatstore" / "__init__.py").exists(), package.name


def test_no_file_names_a_registry_host() -> None:
    assert len(files()) > 50
    for file in files():
        match = REGISTRY_HOSTS.search(file.read_text(encoding="utf-8", errors="ignore"))
        assert match is None, f"{file}: {match.group()}"


def test_no_file_has_conflicts_of_a_merge() -> None:
    marked = [one for one in files() if CONFLICTS.search(one.read_text(errors="ignore"))]
    assert marked == []


def test_no_source_file_is_over_500_lines() -> None:
    sources = [file for file in files() if file.suffix == ".py"]
    assert sources
    assert [file for file in sources if len(file.read_text().splitlines()) > 500] == []


def test_members_are_listed_once() -> None:
    settings = (ROOT / "pyproject.toml").read_text()
    for name in read_members(ROOT):
        assert settings.count(f'"{name}"') == 0, name
    assert tomllib.loads(settings)["tool"]["uv"]["workspace"]["members"]


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda workflow: workflow.name)
def test_actions_are_pinned_by_hash(workflow: Path) -> None:
    lines = [line for line in workflow.read_text().splitlines() if "uses:" in line]
    assert lines
    assert [line for line in lines if not PINNED.search(line)] == []


def test_each_exemption_of_the_linter_has_a_reason() -> None:
    section = (
        (ROOT / "pyproject.toml").read_text().split("[tool.ruff.lint]")[1].split("\n[tool.m")[0]
    )
    rules = re.findall(r'^ +"[A-Z]+[0-9]*",(.*)$', section, re.MULTILINE)
    assert len(rules) > 20
    assert [rule for rule in rules if not re.fullmatch(r" +# .{10,}", rule)] == []
