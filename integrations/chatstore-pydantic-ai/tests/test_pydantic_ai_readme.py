"""The README's agent runs three turns in one process, and another process continues."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
SNIPPETS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
# tiktoken would fetch its vocabulary: tokens are estimated without it, with a warning.
QUIET = ["-W", "error", "-W", "ignore::UserWarning"]
OFFLINE = {"HTTPS_PROXY": "http://127.0.0.1:9", "TIKTOKEN_CACHE_DIR": ""}


def run(program, *arguments, **options):
    command = [sys.executable, *QUIET, "-c", program, *arguments]
    options["env"] = {**os.environ, **OFFLINE}
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=120, check=False, **options
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_model_sees_the_whole_conversation(each_store_url):
    cities = ["Oslo", "Rome", "Lima", "Bonn"]
    turns = run(SNIPPETS[0], each_store_url, *cities[:3]) + run(
        SNIPPETS[0], each_store_url, cities[3]
    )

    before = []
    for city, (answer, question, results) in zip(cities, turns, strict=True):
        asked, told = ["user-prompt", city], ["tool-return", f"sunny in {city}"]
        assert answer == f"sunny in {city}"
        assert question == [*before, asked]
        assert results == [*before, asked, told]
        before += [asked, told, ["text", answer]]


def test_the_other_snippet_runs(tmp_path):
    assert len(SNIPPETS) == 2
    run(SNIPPETS[1] + "assert newest == []\n", cwd=tmp_path)
