"""Three turns run in one process, and another process continues; the README's examples run."""

from __future__ import annotations

import json
from pathlib import Path

from programs import run_program, snippets

GUIDE = Path(__file__).parent / "guide_langchain.py"
AGENT, HISTORY = snippets(Path(__file__).parent.parent / "README.md")
ENVIRONMENT = {"TIKTOKEN_CACHE_DIR": "", "LANGSMITH_TRACING": "false"}
MODEL = """
import langchain.agents
from langchain_core.language_models import FakeListChatModel
create = langchain.agents.create_agent
model = FakeListChatModel(responses=["Hi."])
langchain.agents.create_agent = lambda name, **options: create(model, **options)
"""


def run(program: Path | str, *arguments: str, cwd: Path | None = None) -> list[str]:
    # Without a vocabulary, tokens are estimated, with a warning.
    return run_program(program, *arguments, ignore="UserWarning", cwd=cwd, environment=ENVIRONMENT)


def test_model_receives_the_whole_conversation(each_store_url: str) -> None:
    cities = ["Oslo", "Rome", "Lima", "Bonn"]
    lines = run(GUIDE, each_store_url, *cities[:3]) + run(GUIDE, each_store_url, cities[3])

    before = [["system", "Be brief."]]
    for city, line in zip(cities, lines, strict=True):
        answer, first, second = json.loads(line)
        question, call, result = ["human", city], ["ai", ""], ["tool", f"sunny in {city}"]
        assert answer == f"sunny in {city}"
        assert first == [*before, question]
        assert second == [*before, question, call, result]
        before += [question, call, result, ["ai", answer]]


def test_agent(tmp_path: Path) -> None:
    count = '\nwith open_store("sqlite:///chat.db") as store:\n'
    count += '    print(store.count_messages("user:42"))'
    assert run(MODEL + AGENT + count, cwd=tmp_path) == ["Hi.", "2"]


def test_history(tmp_path: Path) -> None:
    for turns in (1, 2):
        assert run(HISTORY, cwd=tmp_path) == ["Human: Hello!", "AI: Hi."] * turns
