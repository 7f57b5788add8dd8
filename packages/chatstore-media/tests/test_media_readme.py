"""The README's examples run."""

from __future__ import annotations

from pathlib import Path

from programs import run_program, snippets

FIRST, REFERENCES, COLLECT, SEALED = snippets(Path(__file__).parent.parent / "README.md")


def test_examples(tmp_path: Path) -> None:
    is_equal, size = run_program(FIRST, cwd=tmp_path)
    assert is_equal == "True"
    assert int(size) < 1000
    assert run_program(REFERENCES, cwd=tmp_path) == ["True None"]
    assert run_program(COLLECT, cwd=tmp_path) == ["1 0 0"]
    assert run_program(SEALED, cwd=tmp_path) == []
