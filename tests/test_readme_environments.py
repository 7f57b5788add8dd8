"""READMEs of integrations: what they say to install is all that their first example needs.

Each example runs in an environment of its own, against a server on this machine that speaks
OpenAI's APIs.
"""

from __future__ import annotations

import json
import os
import shlex
from pathlib import Path
from typing import Any

import pytest
from model_server import ModelServer, Reply, events
from programs import snippets
from scripts.workspace import ROOT, read_members
from wheels import at_once, build_all, install, run

from chatstore.core import open_store

MEMBERS = read_members(ROOT)
# The packages whose examples ask a model of OpenAI, or none; with the names of models that they
# read from the environment.
PACKAGES = [
    "chatstore-agent-framework",
    "chatstore-haystack",
    "chatstore-langchain",
    "chatstore-langgraph",
    "chatstore-llama-index",
    "chatstore-openai-agents",
    "chatstore-pydantic-ai",
]
UNPINNED = {"chatstore-llama-index"}  # its package for OpenAI needs an older openai
SETTINGS = {
    "HAYSTACK_TELEMETRY_ENABLED": "False",
    "OPENAI_AGENTS_DISABLE_TRACING": "1",
    "OPENAI_API_KEY": "key",
    "OPENAI_CHAT_MODEL_ID": "gpt-5",
    "OPENAI_MODEL": "gpt-5",
}


def answer(path: str, body: dict[str, Any]) -> Reply:
    """Answer with a greeting."""
    if not path.endswith("/responses"):
        message = {"role": "assistant", "content": "Hi."}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
        completion = {"id": "c", "object": "chat.completion", "created": 0, "usage": usage}
        return Reply(json.dumps({**completion, "model": body["model"], "choices": [choice]}))
    part = {"type": "output_text", "text": "Hi.", "annotations": []}
    fields = {"type": "message", "id": "m", "role": "assistant", "status": "completed"}
    item = {**fields, "content": [part]}
    response = {"id": "r", "object": "response", "created_at": 0, "output": [item], "tools": []}
    rest = {"model": body["model"], "tool_choice": "auto", "parallel_tool_calls": True}
    response |= {**rest, "status": "completed"}
    if not body.get("stream"):
        return Reply(json.dumps(response))
    return events(
        [
            {"type": "response.created", "sequence_number": 0, "response": response},
            {
                "type": "response.output_item.done",
                "sequence_number": 1,
                "output_index": 0,
                "item": item,
            },
            {"type": "response.completed", "sequence_number": 2, "response": response},
        ]
    )


def requirements(readme: Path) -> list[str]:
    """Return what the README says to install."""
    line = next(line for line in readme.read_text().splitlines() if line.startswith("pip install"))
    return shlex.split(line)[2:]


@pytest.fixture(scope="module")
def errors(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return what is wrong with each example; an empty text: nothing."""
    root = tmp_path_factory.mktemp("readmes")
    build_all(MEMBERS.values(), root / "wheels")

    def error_of(package: str) -> str:
        folder, readme = root / package, MEMBERS[package] / "README.md"
        try:
            python = install(
                folder, root / "wheels", *requirements(readme), pins=package not in UNPINNED
            )
            with ModelServer(answer) as server:
                settings = {
                    f"OPENAI_{name}": f"{server.url}/v1" for name in ("BASE_URL", "API_BASE")
                }
                environment = {**os.environ, **SETTINGS, **settings}
                # Warnings of third parties are not this project's.
                program = snippets(readme)[0]
                run(python, "-W", "ignore", "-c", program, cwd=folder, environment=environment)
        except AssertionError as error:
            return str(error)
        with open_store(f"sqlite:///{folder}/chat.db") as store:
            return "" if list(store.iter_keys()) else "nothing is stored"

    return dict(zip(PACKAGES, at_once(error_of, PACKAGES), strict=True))


@pytest.mark.parametrize("package", PACKAGES)
def test_the_first_example_needs_nothing_more(errors: dict[str, str], package: str) -> None:
    assert errors[package] == ""
