"""The README's examples run."""

from __future__ import annotations

from pathlib import Path

from programs import run_program, snippets

FIRST, ROTATE, ERASE = snippets(Path(__file__).parent.parent / "README.md")


def test_first(tmp_path: Path) -> None:
    assert run_program(FIRST, cwd=tmp_path) == ["A hotel in Lisbon?"]


def test_rotate(tmp_path: Path) -> None:
    assert run_program(ROTATE, cwd=tmp_path) == ["1 {'2026-11': 1}", "2 1 1"]


def test_erase(tmp_path: Path) -> None:
    assert run_program(ERASE, cwd=tmp_path) == ["Erased(keys=1, conversations=1)"]
