"""A conversation as a file that the page downloads."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from typing import IO, NamedTuple

from chatstore.core import ChatStore
from chatstore.migrate import ExportFormat, export_conversations

_CHUNK = 1 << 18  # bytes that are sent at a time


class Format(NamedTuple):
    """A format as the page offers it, and how the names of its files end."""

    name: ExportFormat
    label: str
    suffix: str


FORMATS: tuple[Format, ...] = (
    Format("jsonl", "JSON Lines, which can be imported", "jsonl"),
    Format("markdown", "Markdown", "md"),
    Format("html", "HTML", "html"),
    Format("openai", "OpenAI chat messages", "openai.jsonl"),
)


async def export(store: ChatStore, key: str, chosen: ExportFormat) -> AsyncIterator[bytes]:
    """Write a conversation to a temporary file, and return the parts of it.

    Raises:
        CorruptMessageError: A message cannot be read.
        ConversationChangedError: The conversation was replaced while it was read.

    """
    file = await asyncio.to_thread(_write, store, key, chosen)
    return _parts(file)


def _write(store: ChatStore, key: str, chosen: ExportFormat) -> IO[bytes]:
    file = tempfile.TemporaryFile()  # noqa: SIM115 - `_parts` closes it
    try:
        export_conversations(store, file, chosen, keys=[key])
        file.seek(0)
    except BaseException:
        file.close()
        raise
    return file


async def _parts(file: IO[bytes]) -> AsyncIterator[bytes]:
    with file:
        while chunk := await asyncio.to_thread(file.read, _CHUNK):
            yield chunk
