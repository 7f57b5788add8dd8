"""A process is killed in its fourth turn, and another goes on; the README's example runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from programs import run_killed, run_program, snippets

GUIDE = Path(__file__).parent / "guide_google_adk.py"
README = Path(__file__).parent.parent / "README.md"
# Older versions of ADK, and the versions of opentelemetry that they need, warn of themselves.
IGNORED = "DeprecationWarning,UserWarning"
MODEL = """
import sys
sys.path.insert(0, {folder!r})
import guide_google_adk
import google.adk.agents
create = google.adk.agents.LlmAgent
def fake(**options):
    return create(**{{**options, "model": guide_google_adk.FakeModel()}})
google.adk.agents.LlmAgent = fake
"""


def test_model_receives_the_whole_conversation(each_store_url: str) -> None:
    cities = ["Oslo", "Rome", "Lima", "Atlantis"]
    lines = run_killed(GUIDE, each_store_url, *cities, ignore=IGNORED)
    lines += run_program(GUIDE, each_store_url, "Bonn", ignore=IGNORED)

    before: list[Any] = []
    expected: list[Any] = []
    for city in (*cities, "Bonn"):
        text = f"sunny in {city}"
        question, call = ["user", city], ["model", {"call": {"city": city}}]
        result, answer = ["user", {"result": {"result": text}}], ["model", text]
        expected.append([*before, question])
        if city == "Atlantis":  # the tool was called and never returned: ADK leaves the call out
            before = [*before, question]
            continue
        expected.append([*before, question, call, result])
        before = [*before, question, call, result, answer]
    assert [json.loads(line) for line in lines] == expected


def test_example(tmp_path: Path) -> None:
    [example] = snippets(README)
    program = MODEL.format(folder=str(GUIDE.parent)) + example + 'asyncio.run(chat("Oslo"))\n'
    lines = run_program(program, cwd=tmp_path, ignore=IGNORED)
    assert [len(json.loads(line)) for line in lines if line[0] == "["] == [1, 3, 5, 7]
    assert [line for line in lines if line[0] != "["] == ["sunny in Oslo"] * 2
