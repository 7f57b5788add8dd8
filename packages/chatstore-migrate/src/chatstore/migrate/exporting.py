"""``export_conversations``: write the conversations of a store to a file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import BinaryIO, Literal, get_args

from chatstore.core import ChatMessage, ChatStore, InvalidArgumentError
from chatstore.migrate.formats.html import write_html
from chatstore.migrate.formats.json_lines import write_json_lines
from chatstore.migrate.formats.markdown import write_markdown
from chatstore.migrate.formats.openai_chat import write_openai_chat
from chatstore.migrate.formats.parquet import write_parquet
from chatstore.migrate.formats.sharegpt import write_sharegpt
from chatstore.migrate.portable import PortableConversation, conversations_of
from chatstore.migrate.sources import StoreSource

ExportFormat = Literal["jsonl", "openai", "sharegpt", "parquet", "markdown", "html"]
EXPORT_FORMATS: tuple[str, ...] = get_args(ExportFormat)
_SUFFIXES: dict[str, ExportFormat] = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".md": "markdown",
    ".html": "html",
    ".htm": "html",
}


@dataclass(slots=True)
class ExportReport:
    """What an export wrote.

    Attributes:
        conversations: The number of conversations.
        messages: The number of messages.

    """

    conversations: int = 0
    messages: int = 0


def export_conversations(
    store: ChatStore,
    file: BinaryIO,
    format: ExportFormat = "jsonl",  # noqa: A002 - what callers call it
    *,
    prefix: str = "",
    owner: str | None = None,
    keys: Iterable[str] | None = None,
    progress: Callable[[ExportReport], None] | None = None,
) -> ExportReport:
    """Write conversations to a file, page by page, and return how many.

    ``docs/export-and-copy.md`` describes the formats. Only ``"jsonl"`` keeps everything.

    Args:
        store: The store.
        file: A binary file; it is never closed.
        format: The format.
        prefix: Write only conversations whose keys begin with it.
        owner: Write only this owner's conversations.
        keys: Write only these conversations.
        progress: Called with the numbers so far after each conversation.

    Raises:
        InvalidArgumentError: The format is not known.
        CorruptMessageError: A message cannot be read; the file is not complete.
        ConversationChangedError: A conversation was replaced while it was read; the file is not
            complete.
        ImportError: The format needs a package that is not installed.

    """
    if format not in EXPORT_FORMATS:
        raise InvalidArgumentError(
            f"unknown format {format!r}; formats of exports: {', '.join(EXPORT_FORMATS)}"
        )
    report = ExportReport()
    source = StoreSource(store, prefix=prefix, owner=owner, keys=keys)
    conversations = _counted(conversations_of(source), report, progress)
    if format == "jsonl":
        write_json_lines(conversations, file, store.server)
    elif format == "html":
        write_html(conversations, file, store.server)
    else:
        writers = {
            "openai": write_openai_chat,
            "sharegpt": write_sharegpt,
            "parquet": write_parquet,
            "markdown": write_markdown,
        }
        writers[format](conversations, file)
    return report


def format_of(name: str) -> ExportFormat | None:
    """Return the format that a file's name says; ``None``: it does not say one."""
    return _SUFFIXES.get(PurePath(name).suffix.lower())


def _counted(
    conversations: Iterable[PortableConversation],
    report: ExportReport,
    progress: Callable[[ExportReport], None] | None,
) -> Iterator[PortableConversation]:
    for conversation in conversations:
        yield replace(conversation, messages=_counted_messages(conversation.messages, report))
        report.conversations += 1
        if progress is not None:
            progress(report)


def _counted_messages(
    messages: Iterable[ChatMessage], report: ExportReport
) -> Iterator[ChatMessage]:
    for message in messages:
        report.messages += 1
        yield message
