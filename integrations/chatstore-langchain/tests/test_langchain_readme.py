"""A process is killed in its fourth turn, and another goes on; the README's examples run."""

from __future__ import annotations

import json
from pathlib import Path

from programs import run_killed, run_program, snippets

GUIDE = Path(__file__).parent / "guide_langchain.py"
AGENT, RECORDS, HISTORY = snippets(Path(__file__).parent.parent / "README.md")
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
    killed = {**ENVIRONMENT, "KILLED_AT": "Bonn"}
    lines = run_killed(GUIDE, each_store_url, *cities, ignore="UserWarning", environment=killed)
    lines += run(GUIDE, each_store_url, cities[3])

    before = [["system", "Be brief."]]
    for city, line in zip(cities, lines, strict=True):
        answer, first, second = json.loads(line)
        question, call, result = ["human", city], ["ai", ""], ["tool", f"sunny in {city}"]
        assert answer == f"sunny in {city}"
        if city == "Bonn":  # asked in the killed process, too, and not answered there
            before.append(question)
        assert first == [*before, question]
        assert second == [*before, question, call, result]
        before += [question, call, result, ["ai", answer]]


def test_agent(tmp_path: Path) -> None:
    count = '\nwith open_store("sqlite:///chat.db") as store:\n'
    count += '    print(store.count_messages("user:42"))'
    assert run(MODEL + AGENT + count, cwd=tmp_path) == ["Hi.", "2"]


def test_owners_titles_and_forks(tmp_path: Path) -> None:
    lines = run(MODEL + RECORDS, cwd=tmp_path)
    assert sorted(lines) == ["chat-7 Hello! 2", "chat-8 None 1"]


def test_history(tmp_path: Path) -> None:
    for turns in (1, 2):
        assert run(HISTORY, cwd=tmp_path) == ["Human: Hello!", "AI: Hi."] * turns
