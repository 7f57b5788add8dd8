"""Markdown transcripts, for readers."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime, timezone
from typing import BinaryIO

from chatstore.core import ChatMessage
from chatstore.migrate.formats.blocks import Part, parts_of, role_name
from chatstore.migrate.portable import PortableConversation

_BACKTICKS = re.compile(r"`+")


def write_markdown(conversations: Iterable[PortableConversation], file: BinaryIO) -> None:
    """Write conversations one after the other; one message at a time is in memory.

    Text is written as it is, since it often is Markdown; arguments and results of tools are fenced.
    """
    for conversation in conversations:
        title = conversation.record.fields.title or conversation.key
        file.write(f"# {one_line(title)}\n\n".encode())
        facts = [f"Key: `{one_line(conversation.key).replace('`', '')}`"]
        if conversation.record.fields.owner:
            facts.append(f"owner: {one_line(conversation.record.fields.owner)}")
        if conversation.record.created_at:
            facts.append(f"begun {minute(conversation.record.created_at)}")
        file.write(f"{' · '.join(facts)}\n\n".encode())
        file.writelines(_markdown(message).encode() for message in conversation.messages)


def _markdown(message: ChatMessage) -> str:
    time = f" · {minute(message.created_at)}" if message.created_at else ""
    parts = "\n\n".join(filter(None, map(_part, parts_of(message))))
    return f"## {role_name(message)}{time}\n\n{parts}\n\n"


def _part(part: Part) -> str:
    name = one_line(part.name)
    if part.kind == "call":
        return f"**Tool call: {name}**\n\n{_fenced(part.text, 'json')}"
    if part.kind == "result":
        label = f"**Result: {name}**\n\n" if name else ""
        return label + _fenced(part.text)
    if part.kind == "thinking":
        return "\n".join(f"> {line}" for line in part.text.splitlines())
    return f"*[{one_line(part.text)}]*" if part.kind == "media" else part.text


def _fenced(text: str, language: str = "") -> str:
    """Return a fenced block whose fence is longer than any in the text."""
    longest = max(map(len, _BACKTICKS.findall(text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"


def one_line(text: str) -> str:
    """Return text on one line."""
    return " ".join(text.split())


def minute(time: datetime) -> str:
    """Return a time for readers, in UTC."""
    return f"{time.astimezone(timezone.utc):%Y-%m-%d %H:%M} UTC"
