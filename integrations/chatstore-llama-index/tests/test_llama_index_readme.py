"""Three turns run in one process, and another process continues; the README's examples run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from programs import run_program, snippets

GUIDE = Path(__file__).parent / "guide_llama_index.py"
EXAMPLE, RECORDS, SAVING, ENGINE = snippets(Path(__file__).parent.parent / "README.md")
MODEL = """
from llama_index.core import Settings
from llama_index.core.llms import MockLLM
Settings.llm = MockLLM()
"""


def run(program: Path | str, *arguments: str, cwd: Path | None = None) -> list[str]:
    # Without a vocabulary, tokens are estimated, with a warning. LlamaIndex uses an attribute that
    # pydantic deprecates.
    return run_program(program, *arguments, ignore="UserWarning,DeprecationWarning", cwd=cwd)


def test_model_receives_the_whole_conversation(each_store_url: str) -> None:
    cities = ["Oslo", "Rome", "Lima", "Bonn"]
    lines = run(GUIDE, each_store_url, *cities[:3]) + run(GUIDE, each_store_url, cities[3])

    before: list[Any] = []
    for city, line in zip(cities, lines, strict=True):
        answer, first, second = json.loads(line)
        question, call, result = ["user", city], ["assistant", None], ["tool", f"sunny in {city}"]
        assert answer == f"sunny in {city}"
        assert first == [*before, question]
        assert second == [*before, question, call, result]
        before += [question, call, result, ["assistant", answer]]


def test_example(tmp_path: Path) -> None:
    count = '\nwith open_store("sqlite:///chat.db") as store:\n'
    count += '    print(store.count_messages("user:42"))'
    *_, messages = run(MODEL + EXAMPLE + count, cwd=tmp_path)
    assert messages == "2"


def test_engine(tmp_path: Path) -> None:
    for _ in range(2):
        assert run(ENGINE, cwd=tmp_path)


def test_saving(tmp_path: Path) -> None:
    program = f"{SAVING}\nprint(restored.to_dict() == memory.to_dict())\nstore.close()"
    assert run(program, cwd=tmp_path) == ["True"]


def test_owners_find_conversations_and_forks(tmp_path: Path) -> None:
    listed = run(RECORDS, cwd=tmp_path)
    assert sorted(listed) == ["user:42 Greetings", "user:42:again None"]
