"""What of a conversation survives from each framework to each other; ``docs/crossings.md``.

``python tests/integrations/test_crossings_page.py`` writes the page.
"""

# The helpers are beside the tests of the integrations.
# pyright: reportMissingImports=false

from __future__ import annotations

import base64
import json
import re
import sys
from collections.abc import Mapping
from datetime import datetime, timezone
from enum import Enum
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    ROOT = Path(__file__).parents[2]
    sys.path += [str(ROOT / "tests"), *map(str, ROOT.glob("integrations/chatstore-*/tests"))]

import samples

from chatstore.agent_framework import to_agent_framework
from chatstore.agent_framework import to_messages as from_agent_framework
from chatstore.claude_agent_sdk import to_entries as to_claude_entries
from chatstore.claude_agent_sdk import to_messages as from_entries
from chatstore.core import ChatMessage, SimpleChatStore
from chatstore.google_adk import to_events
from chatstore.google_adk import to_messages as from_events
from chatstore.haystack import to_haystack
from chatstore.haystack import to_messages as from_haystack
from chatstore.langchain import to_langchain
from chatstore.langchain import to_messages as from_langchain
from chatstore.llama_index import to_llama_index
from chatstore.llama_index import to_messages as from_llama_index
from chatstore.openai_agents import to_items
from chatstore.openai_agents import to_messages as from_items
from chatstore.pydantic_ai import to_messages as from_model_messages
from chatstore.pydantic_ai import to_model_messages
from chatstore.strands import to_messages as from_strands
from chatstore.strands import to_strands

PAGE = Path(__file__).parents[2] / "docs" / "crossings.md"
ALWAYS = {
    "question": samples.QUESTION,
    "answer": samples.ANSWER,
    "id of the call": samples.ID,
    "argument of the call": samples.ARGUMENTS["word"],
    "result": samples.RESULT,
    "image of the user": samples.IMAGE,
}
PARTS = {
    "reasoning": samples.THOUGHT,
    "signature": samples.SIGNATURE,
}
"""The parts that some crossings lose, by their names in the table."""


def to_entries(messages: list[ChatMessage]) -> Any:
    """Return entries of the Claude Agent SDK."""
    return to_claude_entries(messages, "session")


FRAMEWORKS: dict[str, tuple[Any, Any, Any]] = {
    "LangChain": (samples.langchain, from_langchain, to_langchain),
    "LlamaIndex": (samples.llama_index, from_llama_index, to_llama_index),
    "OpenAI Agents": (samples.openai_agents, from_items, to_items),
    "Pydantic AI": (samples.pydantic_ai, from_model_messages, to_model_messages),
    "Haystack": (samples.haystack, from_haystack, to_haystack),
    "Agent Framework": (samples.agent_framework, from_agent_framework, to_agent_framework),
    "Strands": (samples.strands, from_strands, to_strands),
    "Google ADK": (samples.google_adk, from_events, to_events),
    "Claude SDK": (samples.claude_agent_sdk, from_entries, to_entries),
}
CREATED = datetime(2026, 1, 1, tzinfo=timezone.utc)


def stored(writer: str, *, failed: bool = False) -> list[ChatMessage]:
    """Return the stored conversation that a framework wrote."""
    sample, to_messages, _ = FRAMEWORKS[writer]
    messages: list[ChatMessage] = to_messages(sample(failed))
    for number, message in enumerate(messages):
        message.id, message.created_at = f"m{number}", CREATED
    with SimpleChatStore() as store:
        store.add_messages("k", messages)
        return store.get_messages("k")


def as_text(value: Any) -> str:
    """Return all that a framework's messages contain, without random ids and times."""
    text = json.dumps(plain(value), sort_keys=True, ensure_ascii=False)
    text = re.sub(r"[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}", "ID", text)
    return re.sub(r"\d{10}\.\d+|\d{4}-\d\d-\d\d[T ][\d:.+]+", "TIME", text)


def plain(value: Any) -> Any:
    """Return JSON for any object; bytes become base64."""
    if isinstance(value, bytes):
        return base64_text(value)
    if value is None or (isinstance(value, (str, int, float)) and not isinstance(value, Enum)):
        return value
    if isinstance(value, Mapping):
        return {str(name): plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    fields = getattr(value, "__dict__", None)
    return str(value) if isinstance(value, Enum) or fields is None else plain(fields)


def base64_text(value: bytes) -> str:
    """Return bytes as base64; LlamaIndex keeps base64 as bytes."""
    try:
        is_base64 = base64.b64encode(base64.b64decode(value, validate=True)) == value
    except ValueError:
        is_base64 = False
    return value.decode() if is_base64 else base64.b64encode(value).decode()


def lost(writer: str, reader: str) -> list[str]:
    """Return the names of the parts that a framework writes and another one does not read."""
    read, own = FRAMEWORKS[reader][2], FRAMEWORKS[writer][2]
    before, after = as_text(own(stored(writer))), as_text(read(stored(writer)))
    names = [name for name, part in PARTS.items() if part in before and part not in after]
    has_mark = before != as_text(own(stored(writer, failed=True)))
    if has_mark and after == as_text(read(stored(writer, failed=True))):
        names.append("failure")
    return names


def page() -> str:
    """Return the text of the page."""
    rows = [
        f"| {writer} | "
        + " | ".join(
            "unchanged" if reader == writer else ", ".join(lost(writer, reader)) or "-"
            for reader in FRAMEWORKS
        )
        + " |"
        for writer in FRAMEWORKS
    ]
    header = ["| written by | " + " | ".join(FRAMEWORKS) + " |", "| --- " * (len(rows) + 1) + "|"]
    return INTRODUCTION + "\n".join([*header, *rows]) + "\n" + EXPLANATION


INTRODUCTION = """# From framework to framework

A conversation that one framework began continues in any other. Texts, inline images of the user,
tool calls with their ids and arguments, and results survive every crossing. The framework that
wrote a message gets it back unchanged, also after others continued the conversation.

The table names what is lost for the framework at the top of a column if it reads what the framework
of a row wrote; "-" means nothing. It stays stored in any case.

"""
EXPLANATION = """
- **reasoning**: the text of the model's reasoning in front of a call.
- **signature**: what proves to its provider that the reasoning is the model's own. Some frameworks
  refuse reasoning without one, or of another provider.
- **failure**: the mark of a result that the tool failed. The text of the result stays. Pydantic AI
  writes the failure into the text, which every framework reads.

Only what a framework itself can hold is compared: LlamaIndex, the OpenAI Agents SDK and ADK have no
mark of failure.

System messages cross between frameworks that have them. In Strands, ADK and the Claude Agent SDK
the system prompt belongs to the agent, and system messages are left out.

LangGraph is not in the table: a checkpoint is the state of a graph, not messages. A graph reads
messages with `chatstore.langchain`.

Two frameworks have keys of their own. `chatstore.google_adk.session_key` and
`chatstore.claude_agent_sdk.conversation_key` return them; `store.fork` continues a conversation
under another key.
"""


def test_texts_calls_and_results_survive_every_crossing() -> None:
    for writer in FRAMEWORKS:
        messages = stored(writer)
        for reader, (_, _, read) in FRAMEWORKS.items():
            contents = as_text(read(messages))
            for name, part in ALWAYS.items():
                assert part in contents, f"the {name} is lost from {writer} to {reader}"


def test_nothing_is_lost_for_the_writer() -> None:
    for writer in FRAMEWORKS:
        assert lost(writer, writer) == []
        contents = as_text(FRAMEWORKS[writer][2](stored(writer)))
        assert [name for name, part in PARTS.items() if part not in contents] == []


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text() == page(), f"run this file to write {PAGE}"


if __name__ == "__main__":
    PAGE.write_text(page())
