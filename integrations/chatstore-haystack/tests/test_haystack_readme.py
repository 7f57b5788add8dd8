"""The README's agent runs three turns in one process, and another process continues."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
SNIPPETS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


def run(url, *cities):
    """Return what the model saw, two times a city."""
    command = [sys.executable, "-W", "error", "-c", SNIPPETS[0], url, *cities]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_readme_has_one_program():
    assert len(SNIPPETS) == 1


def test_model_sees_the_whole_conversation(each_store_url):
    cities = ["Oslo", "Rome", "Lima", "Bonn"]
    seen = run(each_store_url, *cities[:3]) + run(each_store_url, cities[3])

    before, expected = [], []
    for city in cities:
        said = f"sunny in {city}"
        turn = [["user", city], ["assistant", None], ["tool", said], ["assistant", said]]
        expected += [before + turn[:1], before + turn[:3]]
        before = before + turn
    assert seen == expected
