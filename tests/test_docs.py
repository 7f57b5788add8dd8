"""The documentation's Python runs, and the guide for authors shows all methods and examples."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from programs import run_program, snippets
from scripts.workspace import ROOT, read_members

from chatstore.core.backend import Backend

# READMEs that need servers have tests of their own.
READMES = [
    folder / "README.md"
    for folder in read_members(ROOT).values()
    if folder.parent.name != "integrations" and not list(folder.glob("tests/*readme*"))
]
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *READMES]
PAGES.remove(ROOT / "docs" / "loops.md")  # test_loops.py runs its programs
SNIPPETS = [
    pytest.param(code, id=f"{page.relative_to(ROOT)}:{number}")
    for page in PAGES
    for number, code in enumerate(snippets(page))
]
GUIDE = (ROOT / "docs" / "write-a-backend.md").read_text()
EXAMPLES = ROOT / "docs" / "backends"


def test_there_are_snippets() -> None:
    assert len(SNIPPETS) >= 2


@pytest.mark.parametrize("code", SNIPPETS)
def test_snippet_runs(code: str, tmp_path: Path) -> None:
    run_program(code, ignore="Warning", cwd=tmp_path, environment={"PYTHONPATH": str(EXAMPLES)})


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
