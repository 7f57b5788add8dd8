"""Three turns run in one process, and another process continues; the README's examples run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from programs import run_killed, run_program, snippets

GUIDE = Path(__file__).parent / "guide_pydantic_ai.py"
CONVERSATIONS, EXAMPLE, WINDOW = snippets(Path(__file__).parent.parent / "README.md")
ENVIRONMENT = {"TIKTOKEN_CACHE_DIR": ""}
MODEL = """
import pydantic_ai
from pydantic_ai.models.test import TestModel
create = pydantic_ai.Agent
model = TestModel(custom_output_text="Hi.")
pydantic_ai.Agent = lambda name, **options: create(model, **options)
"""


def run(program: Path | str, *arguments: str, cwd: Path | None = None) -> list[str]:
    # Without a vocabulary, tokens are estimated, with a warning.
    return run_program(program, *arguments, ignore="UserWarning", cwd=cwd, environment=ENVIRONMENT)


@pytest.mark.parametrize("kind", ["conversations", "history"])
def test_model_receives_the_whole_conversation(each_store_url: str, kind: str) -> None:
    cities = ["Oslo", "Rome", "Lima", "Bonn"]
    lines = run_killed(
        GUIDE,
        kind,
        each_store_url,
        *cities[:3],
        "Kyiv!",
        ignore="UserWarning",
        environment=ENVIRONMENT,
    )
    lines += run(GUIDE, kind, each_store_url, cities[3])

    before: list[list[str]] = []
    for city, line in zip(cities, lines, strict=True):
        answer, first, second = json.loads(line)
        question, result = ["user-prompt", city], ["tool-return", f"sunny in {city}"]
        assert answer == f"sunny in {city}"
        assert first == [*before, question]
        assert second == [*before, question, result]
        before += [question, result, ["text", answer]]


def test_example(tmp_path: Path) -> None:
    count = '\nwith open_store("sqlite:///chat.db") as store:\n'
    count += '    print(store.count_messages("user:42"))'
    assert run(MODEL + EXAMPLE + count, cwd=tmp_path) == ["Hi.", "2"]


def test_example_of_conversations(tmp_path: Path) -> None:
    count = '\nwith open_store("sqlite:///chat.db") as store:\n'
    count += '    record = store.get_conversation("chat-42")\n'
    count += "    print(record.owner, record.length)"
    run(MODEL + CONVERSATIONS, cwd=tmp_path)
    assert run(MODEL + CONVERSATIONS + count, cwd=tmp_path) == ["Hi.", "ann 4"]


def test_window(tmp_path: Path) -> None:
    run(WINDOW + "assert newest == []\n", cwd=tmp_path)
