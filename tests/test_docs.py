"""The documentation's Python runs, and its tables name what exists."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from chatstore.core import ChatStore

ROOT = Path(__file__).resolve().parent.parent
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("core/*.md")]
SNIPPETS = [
    pytest.param(code, id=f"{page.relative_to(ROOT)}:{number}")
    for page in PAGES
    for number, code in enumerate(re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL))
]


def test_there_are_snippets():
    assert len(SNIPPETS) >= 2


@pytest.mark.parametrize("code", SNIPPETS)
def test_snippet_runs(code, tmp_path):
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert done.returncode == 0, done.stderr


def test_every_hook_is_in_the_guide():
    guide = (ROOT / "docs" / "write-a-harness.md").read_text()
    hooks = ChatStore.__abstractmethods__

    assert len(hooks) > 9
    assert [hook for hook in hooks if f"`{hook}" not in guide] == []
