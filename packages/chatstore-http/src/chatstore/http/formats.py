"""Formats of messages in responses, and how a request chooses one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum
from typing import Any

from chatstore.core import (
    ChatMessage,
    ChatStore,
    MessagePage,
    to_agui,
    to_ui_messages,
)
from chatstore.core.tool_calls import MODEL_ROLES, TOOL_ROLES
from chatstore.http.conversation_items import to_conversation_items

_LONGEST_TURN = 1000  # messages that are read at most to complete a turn


class Format(str, Enum):
    """How a response shows messages."""

    PLAIN = "plain"
    OPENAI = "openai"
    UI = "ui"
    AGUI = "agui"

    @property
    def media_type(self) -> str:
        """The media type that chooses this format in the header ``Accept``."""
        if self is Format.PLAIN:
            return "application/json"
        return f"application/vnd.chatstore.{self.value}+json"


_CONVERTERS: dict[Format, Callable[[Sequence[ChatMessage]], Sequence[Any]]] = {
    Format.PLAIN: lambda messages: messages,
    Format.OPENAI: to_conversation_items,
    Format.UI: to_ui_messages,
    Format.AGUI: to_agui,
}


def choose_format(requested: Format | None, accept: str | None) -> tuple[Format, str]:
    """Return the format of a response, and its media type.

    Args:
        requested: The format that the URL names; it decides.
        accept: The header ``Accept``. Without a media type of a format, the format is plain.

    """
    if requested is not None:
        return requested, Format.PLAIN.media_type
    accepted = [part.partition(";")[0].strip().lower() for part in (accept or "").split(",")]
    for media_type in accepted:
        for format_ in Format:
            if media_type == format_.media_type:
                return format_, media_type
    return Format.PLAIN, Format.PLAIN.media_type


def convert(messages: Sequence[ChatMessage], format_: Format) -> Sequence[Any]:
    """Return messages in a format."""
    return _CONVERTERS[format_](messages)


async def read_page(
    store: ChatStore,
    key: str,
    format_: Format,
    *,
    limit: int,
    before: str | None,
    after: str | None,
) -> MessagePage:
    """Return a page of messages.

    Other formats than the plain one join the messages of an answer, or pair calls with results. So
    their pages contain whole answers, and may have more than ``limit`` messages.
    """
    page = await store.async_page_messages(key, limit=limit, before=before, after=after)
    if format_ is Format.PLAIN:
        return page
    if after is None:
        return await _complete_start(store, key, page)
    return await _complete_end(store, key, page)


async def _complete_start(store: ChatStore, key: str, page: MessagePage) -> MessagePage:
    while page.has_more and _continues(page.messages[0]) and len(page.messages) < _LONGEST_TURN:
        older = await store.async_page_messages(key, before=page.messages[0].id)
        rest = _from_last_start(older.messages)
        has_more = older.has_more or len(rest) < len(older.messages)
        page = MessagePage(rest + page.messages, has_more)
    return page


async def _complete_end(store: ChatStore, key: str, page: MessagePage) -> MessagePage:
    while page.has_more and len(page.messages) < _LONGEST_TURN:
        newer = await store.async_page_messages(key, after=page.messages[-1].id)
        rest = _until_first_start(newer.messages)
        if not rest:
            return page
        has_more = newer.has_more or len(rest) < len(newer.messages)
        page = MessagePage(page.messages + rest, has_more)
        if len(rest) < len(newer.messages):
            return page
    return page


def _continues(message: ChatMessage) -> bool:
    """Return whether a message belongs to the answer that an earlier message began."""
    return message.role in MODEL_ROLES or message.role in TOOL_ROLES


def _from_last_start(messages: list[ChatMessage]) -> list[ChatMessage]:
    """Return the end of a list that begins with the last message that begins something."""
    for index in range(len(messages) - 1, -1, -1):
        if not _continues(messages[index]):
            return messages[index:]
    return messages


def _until_first_start(messages: list[ChatMessage]) -> list[ChatMessage]:
    """Return the beginning of a list, up to the first message that begins something."""
    for index, message in enumerate(messages):
        if not _continues(message):
            return messages[:index]
    return messages
