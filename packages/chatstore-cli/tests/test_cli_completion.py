"""Shells complete commands and options."""

from __future__ import annotations

import os
import subprocess

import pytest
from command import COMMAND

SHELLS = {"bash": "_chatstore_completion", "zsh": "#compdef chatstore", "fish": "complete"}


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_of_a_shell(shell: str) -> None:
    done = subprocess.run(
        [*COMMAND, "--show-completion", shell],
        env={**os.environ, "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert SHELLS[shell] in done.stdout


@pytest.mark.parametrize(
    ("words", "expected"),
    [("chatstore s", {"show", "stats", "search"}), ("chatstore show --f", {"--full", "--follow"})],
)
def test_words_are_completed(words: str, expected: set[str]) -> None:
    done = subprocess.run(
        COMMAND,
        env={
            **os.environ,
            "_CHATSTORE_COMPLETE": "complete_bash",
            "COMP_WORDS": words,
            "COMP_CWORD": str(len(words.split()) - 1),
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert set(done.stdout.split()) == expected
