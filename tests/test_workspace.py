"""What every distribution must have, and what no file may hold."""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = [
    file.parent
    for pattern in ("core", "packages/*", "integrations/*")
    for file in ROOT.glob(f"{pattern}/pyproject.toml")
]
# Written apart, so that this file does not hold what it looks for.
REGISTRY_HOSTS = re.compile(r"files\.pythonhosted|pypi\." r"org|registry\.npm" r"js|index-" r"url")


def tracked_files():
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [ROOT / line for line in listed.stdout.splitlines() if (ROOT / line).is_file()]


def test_every_package_is_complete():
    assert len(PACKAGES) >= 2
    for package in PACKAGES:
        for name in ("README.md", "CHANGELOG.md", "tests"):
            assert (package / name).exists(), f"{package.name} has no {name}"
        # A wheel carries the licence; a link out of its folder cannot be built.
        assert (package / "LICENSE").read_text() == (ROOT / "LICENSE").read_text(), package.name
        assert list(package.glob("src/chatstore/*/py.typed")), package.name
        assert not (package / "src" / "chatstore" / "__init__.py").exists(), package.name


def test_no_file_names_a_registry_host():
    files = tracked_files()

    assert len(files) > 50
    for file in files:
        found = REGISTRY_HOSTS.search(file.read_text(encoding="utf-8", errors="ignore"))
        assert found is None, f"{file}: {found.group()}"


def test_no_source_file_is_over_500_lines():
    files = [file for file in tracked_files() if file.suffix == ".py"]

    assert files
    assert [f for f in files if len(f.read_text().splitlines()) > 500] == []
