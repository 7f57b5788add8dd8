"""Three turns run in one process, and another process continues; the README's example runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from programs import run_program, snippets

GUIDE = Path(__file__).parent / "guide_haystack.py"
EXAMPLE, RECORDS = snippets(Path(__file__).parent.parent / "README.md")
MODEL = """
from haystack.components.generators import chat
chat.OpenAIChatGenerator = chat.MockChatGenerator
"""


def run(url: str, *cities: str) -> list[Any]:
    return [json.loads(line) for line in run_program(GUIDE, url, *cities)]


def test_model_receives_the_whole_conversation(each_store_url: str) -> None:
    cities = ["Oslo", "Rome", "Lima", "Bonn"]
    received = run(each_store_url, *cities[:3]) + run(each_store_url, cities[3])

    before: list[Any] = []
    expected: list[Any] = []
    for city in cities:
        text = f"sunny in {city}"
        turn: list[Any] = [["user", city], ["assistant", None], ["tool", text], ["assistant", text]]
        expected += [before + turn[:1], before + turn[:3]]
        before = before + turn
    assert received == expected


def test_example(tmp_path: Path) -> None:
    count = '\nprint(store.count_messages("user:42"))\nstore.close()'
    assert run_program(MODEL + EXAMPLE + count, cwd=tmp_path) == ["2"]


def test_owners_find_histories_and_forks(tmp_path: Path) -> None:
    listed = run_program(RECORDS, cwd=tmp_path)
    assert sorted(listed) == ["user:42 Greetings", "user:42:again None"]
