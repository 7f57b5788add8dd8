"""The matrix of CI: which packages a change affects."""

from __future__ import annotations

from pathlib import Path

import pytest
from scripts.affected import affected
from scripts.workspace import ROOT, read_packages

GRAPH: dict[str, set[str]] = {
    "core": set(),
    "packages/scripts": {"core"},
    "packages/redis": {"core", "packages/scripts"},
    "packages/sqlite": {"core"},
}


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        (["packages/redis/src/x.py"], ["packages/redis"]),
        (["packages/scripts/README.md"], ["packages/redis", "packages/scripts"]),
        (["core/src/a.py"], sorted(GRAPH)),
        (["Makefile"], sorted(GRAPH)),
        (["packages/redis-other/x"], sorted(GRAPH)),
        (["packages/sqlite/a", "packages/redis/b"], ["packages/redis", "packages/sqlite"]),
        ([], []),
    ],
)
def test_affected(paths: list[str], expected: list[str]) -> None:
    assert affected(GRAPH, paths) == expected


def test_graph_of_this_workspace() -> None:
    graph = read_packages(ROOT)

    assert graph["core"] == set()
    assert graph["packages/chatstore-sqlite"] == {"core"}
    assert set(graph) == {
        file.parent.relative_to(ROOT).as_posix()
        for pattern in ("core", "packages/*", "integrations/*")
        for file in ROOT.glob(f"{pattern}/pyproject.toml")
    }


def test_no_packages_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.uv.workspace]\nmembers = ["core"]\n')

    with pytest.raises(ValueError, match="no packages"):
        read_packages(tmp_path)
