"""An agent is killed in its fourth turn, and another process goes on; the README's code runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from programs import run_killed, run_program, snippets

FOLDER = Path(__file__).parent
EXAMPLE, DOCUMENTS = snippets(FOLDER.parent / "README.md")
GUIDE = FOLDER / "guide_agent_framework.py"
MODEL = f"""
import functools, sys
import agent_framework.openai
sys.path.append({str(FOLDER)!r})
from fake_client import FakeClient
answer = lambda messages: agent_framework.Message("assistant", ["Hi."])
agent_framework.openai.OpenAIChatClient = functools.partial(FakeClient, answer)
"""


def turn(city: str, before: list[Any]) -> list[Any]:
    """Return the messages of a turn."""
    call = f"call-{len(before) + 1}"
    return [
        ["user", city],
        ["assistant", f"{call}: weather({{'city': '{city}'}})"],
        ["tool", f"{call}= sunny in {city}"],
        ["assistant", f"sunny in {city}"],
    ]


def conversation(*cities: str) -> tuple[list[Any], list[Any]]:
    """Return what the model receives, twice for each city, and all messages."""
    messages: list[Any] = []
    received: list[Any] = []
    for city in cities:
        new = turn(city, messages)
        received += [messages + new[:1], messages + new[:3]]
        messages += new
    return received, messages


def test_the_model_receives_the_whole_conversation_after_a_kill(each_store_url: str) -> None:
    lines = run_killed(GUIDE, each_store_url, "turn", "Oslo", "Rome", "Lima", "Nowhere")
    lines += run_program(GUIDE, each_store_url, "turn", "Bonn")

    assert [json.loads(line) for line in lines] == conversation("Oslo", "Rome", "Lima", "Bonn")[0]


def test_calls_that_a_kill_left_without_result_are_not_sent(store_url: str) -> None:
    run_killed(GUIDE, store_url, "call", "Oslo", "Nowhere")
    [first, _] = map(json.loads, run_program(GUIDE, store_url, "call", "Bonn"))

    assert first == [*conversation("Oslo")[1], ["user", "Nowhere"], ["user", "Bonn"]]


def test_example(tmp_path: Path) -> None:
    count = """
with open_store("sqlite:///chat.db") as store:
    print(store.count_messages("chatstore/user:42"))
"""
    assert run_program(MODEL + EXAMPLE + count, cwd=tmp_path) == ["Hi.", "2"]


def test_sessions_and_checkpoints(tmp_path: Path) -> None:
    # The framework's session store is experimental, with a warning.
    run_program(DOCUMENTS + "\nstore.close()", ignore="FutureWarning", cwd=tmp_path)
