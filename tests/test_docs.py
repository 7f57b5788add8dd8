"""The documentation's Python runs, and the guide for authors has every method and every example."""

from __future__ import annotations

import os
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
GUIDE = (ROOT / "docs" / "write-a-backend.md").read_text()
EXAMPLES = ROOT / "docs" / "backends"


def test_there_are_snippets() -> None:
    assert len(SNIPPETS) >= 2


@pytest.mark.parametrize("code", SNIPPETS)
def test_snippet_runs(code: str, tmp_path: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(EXAMPLES)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert result.returncode == 0, result.stderr


def test_every_method_is_in_the_guide() -> None:
    methods = {name for name, item in vars(Backend).items() if callable(item)}
    methods = {name for name in methods if not name.startswith("_")}
    assert methods > Backend.__abstractmethods__
    assert [name for name in methods if not re.search(rf"`{name}\b", GUIDE)] == []


@pytest.mark.parametrize(
    "name",
    ["dict_backend.py", "test_dict_backend.py", "sqlite3_backend.py", "counting_backend.py"],
)
def test_the_guide_shows_each_example(name: str) -> None:
    assert f"```python\n{(EXAMPLES / name).read_text()}```" in GUIDE
    assert f"(backends/{name})" in GUIDE
