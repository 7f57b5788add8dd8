"""What callers see of conversations: records, pages and snapshots."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from pydantic import JsonValue

from chatstore.core.messages import ChatMessage


@dataclass(frozen=True, slots=True)
class Conversation:
    """The record of a conversation at one moment.

    Attributes:
        key: The conversation's key.
        owner: Whose conversation it is; ``None``: nobody's.
        title: A title; ``None``: it has none.
        metadata: A JSON object of the application.
        created_at: When it began, in UTC.
        updated_at: When it was last written, in UTC.
        expires_at: When it expires unless it is written before, in UTC; ``None``: never.
        length: The number of its messages.
        revision: Changes with every write to the conversation; for ``expected_revision``.

    """

    key: str
    owner: str | None
    title: str | None
    metadata: dict[str, JsonValue] = field(repr=False)
    created_at: datetime
    updated_at: datetime
    expires_at: datetime | None
    length: int
    revision: str


@dataclass(frozen=True, slots=True)
class ConversationPage:
    """A page of conversations.

    Attributes:
        conversations: The page.
        next_cursor: The ``cursor`` of the next page; ``None``: this is the last one.

    """

    conversations: list[Conversation]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class MessagePage:
    """A page of messages.

    Attributes:
        messages: The page, oldest first.
        has_more: More messages follow in the requested direction: older ones, or with ``after``
            newer ones.

    """

    messages: list[ChatMessage]
    has_more: bool


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A conversation and its messages, read at one moment.

    Attributes:
        conversation: The record; ``None``: the conversation does not exist.
        messages: The messages, oldest first.

    """

    conversation: Conversation | None
    messages: list[ChatMessage]
