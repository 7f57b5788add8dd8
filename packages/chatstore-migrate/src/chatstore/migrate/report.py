"""What a migration returns and raises."""

from __future__ import annotations

from typing import NamedTuple

from chatstore.core import ChatStoreError


class MigrationError(ChatStoreError):
    """The store has other messages than the source under a key; nothing was overwritten.

    Attributes:
        key: The conversation.
        position: The index of the first message that differs.

    """

    def __init__(self, message: str, *, key: str, position: int) -> None:
        """Name the conversation and the message."""
        super().__init__(f"conversation {key!r}, message {position}: {message}")
        self.key = key
        self.position = position


class EmptySourceError(ChatStoreError):
    """The source has no conversation, or none was selected."""


class MigratedConversation(NamedTuple):
    """A conversation that is complete in the store.

    Attributes:
        key: Its key in the store.
        messages: The number of messages in the source, all verified in the store.
        copied: How many of them this run copied; an earlier run copied the others.
        digest: BLAKE2b over the messages, as hexadecimal digits; the same for source and store.

    """

    key: str
    messages: int
    copied: int
    digest: str


class SkippedConversation(NamedTuple):
    """A conversation that was not copied.

    Attributes:
        key: Its key in the source.
        reason: A sentence, without content.

    """

    key: str
    reason: str


class MigrationReport(list[MigratedConversation]):
    """The conversations that are complete in the store, in the order of their keys.

    Attributes:
        skipped: Conversations that were not copied; always empty with ``on_corrupt="raise"``.

    """

    def __init__(self) -> None:
        """Create an empty report."""
        super().__init__()
        self.skipped: list[SkippedConversation] = []
