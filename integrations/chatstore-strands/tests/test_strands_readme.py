"""Three turns run in one process, which is killed in the fourth; another process goes on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from models_strands import call, result
from programs import run_killed, run_program, snippets

from chatstore.core import open_store

HERE = Path(__file__).parent
GUIDE = HERE / "guide_strands.py"
README = HERE.parent / "README.md"
MODEL = f"""
import sys
sys.path.insert(0, {str(HERE)!r})
import strands.agent.agent
from models_strands import FunctionModel
strands.agent.agent.BedrockModel = lambda: FunctionModel(lambda messages: [{{"text": "Hi!"}}])
"""


def ask(city: str) -> Any:
    reasoning = {"reasoningText": {"text": "look it up", "signature": "s"}}
    return [
        "assistant",
        [{"reasoningContent": reasoning}, call("weather", f"call-{city}", city=city)],
    ]


def turn(city: str) -> Any:
    text = f"sunny in {city}"
    return [
        ["user", [{"text": city}]],
        ask(city),
        ["user", [result(f"call-{city}", text)]],
        ["assistant", [{"text": text}]],
    ]


def test_another_process_goes_on_after_a_kill(each_store_url: str) -> None:
    cities = ["Oslo", "Rome", "Lima"]
    lines = run_killed(GUIDE, each_store_url, *cities, "Atlantis")
    lines += run_program(GUIDE, each_store_url, "Bonn")

    before: list[Any] = []
    expected: list[Any] = []
    for city in cities:
        messages = turn(city)
        expected += [before + messages[:1], before + messages[:3]]
        before = before + messages
    before = [*before, ["user", [{"text": "Atlantis"}]]]
    expected.append(before)
    # Strands itself answers the call that the killed process left open.
    interrupted = result("call-Atlantis", "Tool was interrupted.", "error")
    before = [*before, ask("Atlantis"), ["user", [interrupted]]]
    messages = turn("Bonn")
    expected += [before + messages[:1], before + messages[:3]]
    assert [json.loads(line) for line in lines] == expected


def test_examples(tmp_path: Path) -> None:
    run_program(MODEL + "\n".join(snippets(README)), cwd=tmp_path)
    with open_store(f"sqlite:///{tmp_path}/chat.db") as store:
        assert [message.content for message in store.get_messages("user:42")] == ["Hello!", "Hi!"]
