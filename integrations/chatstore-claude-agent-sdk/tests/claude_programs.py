"""Run programs with the real CLI of the SDK, whose model is a server of the test."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from anthropic_model import result_text, without_reminders


def run_agent(program: Path | str, *arguments: str, model_url: str, home: Path) -> list[str]:
    """Run a program and return the lines that it prints.

    The CLI finds no settings and no credentials of this machine, and reaches no other server.

    Args:
        program: A file, or code.
        arguments: The program's arguments.
        model_url: The address of the model.
        home: Where the CLI keeps its own files. The program runs in the folder ``work`` beside it.

    Raises:
        ProcessKilledError: The process killed itself.

    """
    work = home.parent / "work"
    for folder in (home, work):
        folder.mkdir(exist_ok=True)
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "CLAUDE_CONFIG_DIR": str(home / ".claude"),
        "ANTHROPIC_BASE_URL": model_url,
        "ANTHROPIC_API_KEY": "fake",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "DISABLE_AUTOUPDATER": "1",
        "HTTPS_PROXY": "http://127.0.0.1:9",
        "NO_PROXY": "127.0.0.1",
    }
    code = [str(program)] if isinstance(program, Path) else ["-c", program]
    process = subprocess.Popen(
        [sys.executable, *code, *arguments],
        cwd=work,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        output, errors = process.communicate(timeout=120)
    finally:
        # A killed program leaves its CLI behind.
        if process.poll() != 0:
            _kill_group(process.pid)
    if process.returncode == -signal.SIGKILL:
        raise ProcessKilledError(output.splitlines())
    assert process.returncode == 0, errors
    return output.splitlines()


class ProcessKilledError(Exception):
    """A program was killed.

    Attributes:
        lines: What it printed.

    """

    def __init__(self, lines: list[str]) -> None:
        super().__init__("the program was killed")
        self.lines = lines


def dialog(body: dict[str, Any]) -> list[list[str]]:
    """Return what a model receives, as pairs of role and text, without what the CLI adds."""
    received = []
    for message in body["messages"]:
        content = message["content"]
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
        for block in blocks:
            text = without_reminders(_text(block))
            if text and message["role"] != "system":
                received.append([message["role"], text])
    return received


def _text(block: dict[str, Any]) -> str:
    if block["type"] == "text":
        return str(block["text"])
    if block["type"] == "tool_use":
        return f"call {block['input']['city']}"
    return result_text(block)


def _kill_group(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
