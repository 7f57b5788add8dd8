"""Conversations from a file: one ``{"key": …, "messages": […]}`` a line, in OpenAI's format."""

import json
from pathlib import Path

from chatstore.core import ChatMessage, from_openai


class BadFileError(Exception):
    """The file cannot be used; the text says where and why."""


def read_conversations(path: Path) -> dict[str, list[ChatMessage]]:
    """Return the messages by key, oldest first.

    Raises:
        BadFileError: It cannot be read, or a line is no conversation.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        message = f"{path}: {error}"
        raise BadFileError(message) from error
    conversations: dict[str, list[ChatMessage]] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            entry = json.loads(line)
            key, messages = entry["key"], [from_openai(item) for item in entry["messages"]]
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            message = f"{path}, line {number}: no conversation ({type(error).__name__}: {error})"
            raise BadFileError(message) from error
        if not isinstance(key, str) or key in conversations:
            message = f"{path}, line {number}: the key must be a string, and a new one"
            raise BadFileError(message)
        conversations[key] = messages
    if not conversations:
        message = f"{path}: it holds no conversation"
        raise BadFileError(message)
    return conversations
