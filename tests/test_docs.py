"""The documentation's Python runs, and the guide for authors names every method."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from scripts.affected import ROOT

from chatstore.core.backend import Backend

PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("core/*.md")]
SNIPPETS = [
    pytest.param(code, id=f"{page.relative_to(ROOT)}:{number}")
    for page in PAGES
    for number, code in enumerate(re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL))
]


def test_there_are_snippets() -> None:
    assert len(SNIPPETS) >= 2


@pytest.mark.parametrize("code", SNIPPETS)
def test_snippet_runs(code: str, tmp_path: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert result.returncode == 0, result.stderr


def test_every_method_is_in_the_guide() -> None:
    guide = (ROOT / "docs" / "write-a-backend.md").read_text()
    methods = Backend.__abstractmethods__
    assert len(methods) > 9
    assert [name for name in methods if not re.search(rf"(`|def ){name}\b", guide)] == []


def test_the_glossary_has_one_sentence_for_each_term() -> None:
    glossary = (ROOT / "docs" / "glossary.md").read_text()
    rows = dict(re.findall(r"^\| \*\*(.+?)\*\* \| (.+) \|$", glossary, re.MULTILINE))
    terms = {"store", "backend", "wrapper", "plan", "step", "client", "record", "position", "index"}
    assert terms <= set(rows)
    assert len(rows) == glossary.count("| **")
    assert [term for term, meaning in rows.items() if not re.fullmatch(r"[^.]+\.", meaning)] == []
