"""The README's examples run."""

from __future__ import annotations

from pathlib import Path

from programs import run_program, snippets

FIRST, ROTATE = snippets(Path(__file__).parent.parent / "README.md")


def test_first(tmp_path: Path) -> None:
    assert run_program(FIRST, cwd=tmp_path) == ["A hotel in Lisbon?"]


def test_rotate(tmp_path: Path) -> None:
    assert run_program(ROTATE, cwd=tmp_path) == ["1 1 1"]
