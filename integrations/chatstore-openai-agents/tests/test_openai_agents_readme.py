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
    """Return, for each city, the answer and what the model saw before and after the tool."""
    command = [sys.executable, "-W", "error", "-c", SNIPPETS[0], url, *cities]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def turn(city, name):
    """Return the items of a turn."""
    arguments = json.dumps({"city": city}, separators=(",", ":"))
    call = {"type": "function_call", "name": "weather", "arguments": arguments}
    text = {"type": "output_text", "text": f"sunny in {city}", "annotations": [], "logprobs": []}
    return [
        {"role": "user", "content": city},
        {**call, "id": name, "call_id": name},
        {"type": "function_call_output", "call_id": name, "output": f"sunny in {city}"},
        {
            "type": "message",
            "id": "scripted-message",
            "role": "assistant",
            "status": "completed",
            "content": [text],
        },
    ]


def test_readme_has_one_program_and_two_windows(tmp_path):
    assert len(SNIPPETS) == 3
    for snippet in SNIPPETS[1:]:
        command = [sys.executable, "-c", snippet]  # warns where it has no vocabulary
        subprocess.run(command, cwd=tmp_path, timeout=120, check=True)


def test_model_sees_the_whole_conversation(each_store_url):
    cities = ["Oslo", "Rome", "Lima", "Bonn"]
    turns = run(each_store_url, *cities[:3]) + run(each_store_url, cities[3])

    before = []
    for city, (answer, question, results) in zip(cities, turns, strict=True):
        items = turn(city, f"call-{len(before) + 1}")
        assert answer == f"sunny in {city}"
        assert question == before + items[:1]
        assert results == before + items[:3]
        before += items
