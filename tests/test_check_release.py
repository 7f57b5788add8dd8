"""A release needs a tag, a version and a changelog that agree."""

from __future__ import annotations

from pathlib import Path

import pytest
from scripts.check_release import ReleaseError, check_release
from scripts.workspace import ROOT, read_members


def make_package(root: Path, version: str, changelog: str) -> None:
    (root / "pyproject.toml").write_text('[tool.uv.workspace]\nmembers = ["packages/*"]\n')
    folder = root / "packages" / "chatstore-redis"
    folder.mkdir(parents=True)
    text = f'[project]\nname = "chatstore-redis"\nversion = "{version}"\n'
    (folder / "pyproject.toml").write_text(text)
    (folder / "CHANGELOG.md").write_text(f"# Changelog\n\n## {changelog}\n\n- First.\n")


def test_agreement_names_the_folder(tmp_path: Path) -> None:
    make_package(tmp_path, "0.1.0", "0.1.0 (2026-11-23)")

    assert check_release(tmp_path, "chatstore-redis-v0.1.0") == "packages/chatstore-redis"


@pytest.mark.parametrize(
    ("version", "changelog", "tag"),
    [
        ("0.1.0", "0.1.0", "chatstore-redis-v0.1.1"),
        ("0.1.0", "0.2.0", "chatstore-redis-v0.1.0"),
        ("0.2.0", "0.1.0", "chatstore-redis-v0.1.0"),
        ("0.1.0", "Unreleased", "chatstore-redis-v0.1.0"),
        ("0.1.0", "0.1.0", "chatstore-other-v0.1.0"),
        ("0.1.0", "0.1.0", "v0.1.0"),
    ],
)
def test_disagreement_is_refused(tmp_path: Path, version: str, changelog: str, tag: str) -> None:
    make_package(tmp_path, version, changelog)

    with pytest.raises(ReleaseError):
        check_release(tmp_path, tag)


@pytest.mark.parametrize("name", read_members(ROOT))
def test_packages_here_could_be_released(name: str) -> None:
    assert (ROOT / check_release(ROOT, f"{name}-v0.1.0") / "pyproject.toml").is_file()
