"""The scripts that `make` runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from coverage import Coverage
from scripts.check_types import import_folders, pyright_settings, python_files
from scripts.count_calls import Crossed, count, measure, table
from scripts.uncovered import report
from scripts.workspace import ROOT, read_packages

from chatstore.core import SimpleChatStore


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for path in ("core/src/a.py", "core/tests/test_a.py", "core/tests/conftest.py", "other/b.py"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("")
    return tmp_path


@pytest.mark.parametrize(
    ("excluded", "expected"),
    [
        ([], ["core/src/a.py", "core/tests/test_a.py"]),
        (["core/tests"], ["core/src/a.py"]),
        (["core/src/a.py", "core/te"], ["core/tests/test_a.py"]),
    ],
)
def test_files_that_mypy_checks(folder: Path, excluded: list[str], expected: list[str]) -> None:
    assert python_files(folder, ["core"], excluded) == expected


def test_modules_of_all_members_can_be_imported() -> None:
    folders = import_folders(ROOT)
    assert {f"{ROOT}/{member}/src" for member in read_packages(ROOT)} <= set(folders)
    assert {f"{ROOT}/{member}/tests" for member in read_packages(ROOT)} <= set(folders)


def test_excluded_files_exist() -> None:
    for path in pyright_settings(ROOT)["exclude"]:
        assert (ROOT / path).exists()


def test_uncovered_lines_are_listed(tmp_path: Path) -> None:
    module = tmp_path / "one" / "src" / "module.py"
    module.parent.mkdir(parents=True)
    module.write_text("def covered():\n    return 1\n\n\ndef uncovered():\n    return 2\n")
    coverage = Coverage(data_file=None, source=[str(tmp_path)], config_file=False)
    with coverage.collect():
        namespace: dict[str, object] = {}
        exec(compile(module.read_text(), str(module), "exec"), namespace)
    lines = report(coverage, str(tmp_path / "one")).splitlines()
    assert lines[0] == f"{tmp_path}/one: 50.0 %"
    assert lines[1].endswith(" 2, 6")
    assert report(coverage, str(tmp_path / "two")) == f"{tmp_path}/two: no test ran"


def test_calls_are_counted_once_in_this_project_only() -> None:
    store = SimpleChatStore()
    pages = store.iter_messages("k")

    def read() -> Iterator[object]:
        yield from pages

    assert count(lambda: len([])) == Crossed(0, 0)
    assert count(lambda: store.backend) == Crossed(1, 1)
    first = count(lambda: list(read()))
    assert first.functions > first.modules > 2


@pytest.mark.filterwarnings("ignore::chatstore.core.TokenEstimateWarning")
def test_table_of_calls() -> None:
    results = {"memory": measure(SimpleChatStore())}
    [add, window, memory] = results["memory"]
    assert 15 < add.functions < 60
    assert memory.functions > window.functions
    row = f"| memory | {add.functions} in {add.modules} |"
    assert table(results).splitlines()[2].startswith(row)
