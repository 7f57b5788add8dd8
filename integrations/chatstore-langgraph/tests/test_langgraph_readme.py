"""An agent is killed in its fourth turn, and another process goes on; the README's examples run."""

from __future__ import annotations

import json
from pathlib import Path

from programs import run_killed, run_program, snippets

GUIDE = Path(__file__).parent / "guide_langgraph.py"
SNIPPETS = snippets(Path(__file__).parent.parent / "README.md")
ENVIRONMENT = {"LANGSMITH_TRACING": "false"}


def test_a_new_process_finishes_the_turn_in_which_the_first_was_killed(each_store_url: str) -> None:
    cities = ["Oslo", "Rome", "Lima", "Bonn", "Cairo"]
    killed = {**ENVIRONMENT, "KILLED_IN": "Bonn"}
    lines = run_killed(GUIDE, each_store_url, *cities[:4], environment=killed)
    assert len(lines) == 3
    lines += run_program(GUIDE, each_store_url, cities[4], environment=ENVIRONMENT)

    before: list[list[str]] = []
    for city, line in zip(cities, lines, strict=True):
        answer, *received = json.loads(line)
        question, call, result = ["human", city], ["ai", ""], ["tool", f"sunny in {city}"]
        assert answer == f"sunny in {city}"
        first = [*before, question]
        second = [*first, call, result]
        # The process that finished the fourth turn found the model's first answer.
        assert received == ([second] if city == "Bonn" else [first, second])
        before = [*second, ["ai", answer]]


def test_examples(tmp_path: Path) -> None:
    first, *others = SNIPPETS
    for turns in (1, 2):
        assert run_program(first, cwd=tmp_path, environment=ENVIRONMENT) == [
            f"You said 'Hello!', and {2 * turns - 1} messages came so far."
        ]
    for example in others:
        run_program(example, cwd=tmp_path, environment=ENVIRONMENT)
