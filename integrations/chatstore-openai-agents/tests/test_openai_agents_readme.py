"""A process is killed in its fourth turn, and another goes on; the README's examples run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from programs import run_killed, run_program, snippets

GUIDE = Path(__file__).parent / "guide_openai_agents.py"
EXAMPLE, RECORDS, FILTER, WINDOW = snippets(Path(__file__).parent.parent / "README.md")
MODEL = """
import functools
import agents
from agents.testing import ScriptedModel, assistant_message
agents.set_tracing_disabled(True)
model = ScriptedModel([[assistant_message("Hi.")], [assistant_message("Bye.")]])
agents.Agent = functools.partial(agents.Agent, model=model)
"""


def turn(city: str, name: str) -> list[dict[str, Any]]:
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


def test_model_receives_the_whole_conversation(each_store_url: str) -> None:
    cities = ["Oslo", "Rome", "Lima", "Bonn"]
    lines = run_killed(GUIDE, each_store_url, *cities, environment={"KILLED_AT": "Bonn"})
    lines += run_program(GUIDE, each_store_url, cities[3])

    before: list[dict[str, Any]] = []
    for city, line in zip(cities, lines, strict=True):
        answer, first, second = json.loads(line)
        if city == "Bonn":  # asked in the killed process, too, and not answered there
            before.append({"role": "user", "content": city})
        items = turn(city, f"call-{len(before) + 1}")
        assert answer == f"sunny in {city}"
        assert first == before + items[:1]
        assert second == before + items[:3]
        before += items


def test_example(tmp_path: Path) -> None:
    count = '\nwith open_store("sqlite:///chat.db") as store:\n'
    count += '    print(store.count_messages("user:42"))'
    assert run_program(MODEL + EXAMPLE + count, cwd=tmp_path) == ["Hi.", "2"]


def test_owners_titles_and_forks(tmp_path: Path) -> None:
    lines = run_program(MODEL + RECORDS, cwd=tmp_path)
    assert sorted(lines) == ["chat-7 Greetings 2", "chat-8 None 3"]


def test_windows(tmp_path: Path) -> None:
    run_program(FILTER, cwd=tmp_path)
    # Without a vocabulary, tokens are estimated, with a warning.
    assert run_program(WINDOW + "print(newest)", ignore="UserWarning", cwd=tmp_path) == ["[]"]
