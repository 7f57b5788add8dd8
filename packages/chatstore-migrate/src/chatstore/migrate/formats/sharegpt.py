"""ShareGPT's format: a line ``{"id":…,"conversations":[{"from":…,"value":…},…]}`` for each."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO

from chatstore.core import ChatMessage, MessageRole
from chatstore.core.tool_calls import MODEL_ROLES, calls_of, parse_arguments, results_of
from chatstore.migrate.formats.blocks import plain_text
from chatstore.migrate.portable import PortableConversation


def write_sharegpt(conversations: Iterable[PortableConversation], file: BinaryIO) -> None:
    """Write each conversation as a line; one conversation at a time is in memory.

    Only text is in the file: media, thinking, ids, times and metadata are left out. Calls of tools
    are ``function_call`` and their results ``observation``, as training programs expect.
    """
    for conversation in conversations:
        turns = [turn for message in conversation.messages for turn in _turns(message)]
        line = {"id": conversation.key, "conversations": turns}
        file.write(json.dumps(line, ensure_ascii=False).encode() + b"\n")


def _turns(message: ChatMessage) -> Iterator[dict[str, Any]]:
    results = results_of(message)
    for result in results:
        yield {"from": "observation", "value": plain_text(result.content)}
    text = "" if results and isinstance(message.content, str) else message.text
    if text:
        yield {"from": _speaker(message.role), "value": text}
    for call in calls_of(message):
        value = {"name": call.name, "arguments": parse_arguments(call.arguments)}
        yield {"from": "function_call", "value": json.dumps(value, ensure_ascii=False)}


def _speaker(role: MessageRole) -> str:
    if role in MODEL_ROLES:
        return "gpt"
    return "human" if role == MessageRole.USER else "system"
