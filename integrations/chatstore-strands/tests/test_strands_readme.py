"""Three turns run in one process, which is killed in the fourth; another process goes on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from models_strands import call, result
from programs import OFFLINE, run_program, snippets

HERE = Path(__file__).parent
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
    killed = subprocess.run(
        [sys.executable, HERE / "guide_strands.py", each_store_url, *cities, "Atlantis"],
        env={**os.environ, **OFFLINE},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    lines = [
        *killed.stdout.splitlines(),
        *run_program(HERE / "guide_strands.py", each_store_url, "Bonn"),
    ]

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


def test_example(tmp_path: Path) -> None:
    for code in snippets(README):
        run_program(MODEL + code, cwd=tmp_path)
