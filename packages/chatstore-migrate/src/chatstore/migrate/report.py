"""What a migration returns and raises."""

from __future__ import annotations

from dataclasses import dataclass, field

from chatstore.core import ChatStoreError


class MigrationError(ChatStoreError):
    """A conversation of the store differs from the source's; nothing was overwritten.

    Attributes:
        key: The conversation, as the store names it.
        position: The index of the first message that differs; ``None``: the record differs.

    """

    def __init__(self, message: str, *, key: str, position: int | None = None) -> None:
        """Name the conversation and the message."""
        place = "" if position is None else f", message {position}"
        super().__init__(f"conversation {key!r}{place}: {message}")
        self.key = key
        self.position = position


class EmptySourceError(ChatStoreError):
    """The source has no conversation, or none was selected."""


@dataclass(frozen=True, slots=True)
class MigratedConversation:
    """A conversation that is complete in the store.

    Attributes:
        key: Its key in the store.
        messages: The number of messages in the source, which are all in the store.
        copied: How many of them this run copied; an earlier run copied the others.
        digest: SHA-256 over the record and the messages, equal for source and store; ``None``: not
            verified.

    """

    key: str
    messages: int
    copied: int
    digest: str | None


@dataclass(frozen=True, slots=True)
class SkippedConversation:
    """A conversation that was not copied.

    Attributes:
        key: Its key in the source.
        reason: A sentence, without content.

    """

    key: str
    reason: str


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a migration has come.

    Attributes:
        conversations: The number of conversations that are complete, or were skipped.
        total: The number of conversations that were selected.
        messages: The number of messages of the source that are in the store.
        total_messages: The number of messages that were selected; ``None``: unknown.
        key: The current conversation, as the store names it.

    """

    conversations: int
    total: int
    messages: int
    total_messages: int | None
    key: str


@dataclass(slots=True)
class MigrationReport:
    """What a migration did.

    Attributes:
        conversations: The number of conversations that are complete in the store.
        messages: The number of their messages in the source.
        copied: How many of the messages this run copied.
        digest: The digest of all these conversations, in any order; `fingerprint` returns the same
            for a store that has no others. ``None``: they were not verified.
        skipped: Conversations that were not copied; always empty with ``on_error="raise"``.

    """

    conversations: int = 0
    messages: int = 0
    copied: int = 0
    digest: str | None = None
    skipped: list[SkippedConversation] = field(default_factory=list)
