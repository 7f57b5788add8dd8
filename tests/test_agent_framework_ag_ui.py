"""The snapshot store works with agent-framework-ag-ui, in an environment of its own.

That package needs an older ag-ui-protocol than this project, so they cannot share one.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from scripts.workspace import ROOT
from wheels import UV, run

ADAPTER = ROOT / "integrations" / "chatstore-agent-framework"
SOURCES = [
    *(ROOT / "core" / "src", ROOT / "packages" / "chatstore-sqlite" / "src"),
    *(ADAPTER / "src", ADAPTER / "tests"),
]


def turn(cities: str, number: int) -> list[Any]:
    """Return the messages of a turn; all cities are asked for at once."""
    calls, results, answers = [], [], []
    for index, city in enumerate(cities.split(" and ")):
        name = f"call-{number}" + "b" * index
        calls.append(f"{name}: weather({{'city': '{city}'}})")
        results.append(f"{name}= sunny in {city}")
        answers.append(f"sunny in {city}")
    return [
        ["user", cities],
        ["assistant", *calls],
        ["tool", *results],
        ["assistant", " and ".join(answers)],
    ]


def test_a_front_end_that_passes_the_whole_thread(tmp_path: Path) -> None:
    environment = tmp_path / "environment"
    run(UV, "venv", "--quiet", "--python", sys.executable, environment)
    python = environment / ("Scripts" if os.name == "nt" else "bin") / "python"
    needed = ["agent-framework-ag-ui", "tiktoken"]
    run(UV, "pip", "install", "--quiet", "--python", python, *needed)

    done = subprocess.run(
        [python, ADAPTER / "tests" / "guide_ag_ui.py", tmp_path / "chat.db"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, SOURCES))},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    *received, shown, keys = map(json.loads, done.stdout.splitlines())
    turns = [turn("Oslo", 1), turn("Rome and Lima", 5), turn("Oslo", 9)]
    before: list[Any] = []
    expected: list[Any] = []
    for messages in turns:
        expected += [before + messages[:1], before + messages[:3]]
        before = before + messages
    assert received == expected
    assert [content for content in shown if content] == [
        *("Oslo", "sunny in Oslo", "sunny in Oslo"),
        *("Rome and Lima", "sunny in Rome", "sunny in Lima", "sunny in Rome and sunny in Lima"),
        *("Oslo", "sunny in Oslo", "sunny in Oslo"),
    ]
    [history] = keys  # all snapshots were cleared
    assert history.startswith("chatstore/")
