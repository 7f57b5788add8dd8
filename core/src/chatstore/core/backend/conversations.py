"""The conversation records that `ChatStore` and a backend exchange."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from chatstore.core.errors import RevisionConflictError


class ConversationRecord(NamedTuple):
    """What a caller stored about a conversation. A backend keeps the fields as they are.

    The default value is the record of a conversation that began with its first message.

    Attributes:
        owner: Whose conversation it is; for `Backend.list_owned`.
        title: A title.
        metadata: A JSON object as text; ``None`` instead of an empty object.
        is_created: Whether it was created without messages.
        index_entry: The id of its entry in the owner's list, see `OwnerIndex`; ``None`` for
            backends whose database has an index.

    """

    owner: str | None = None
    title: str | None = None
    metadata: str | None = None
    is_created: bool = False
    index_entry: str | None = None

    @property
    def outlasts_messages(self) -> bool:
        """Whether the conversation stays when its last message is removed."""
        return self.is_created or (self.owner, self.title, self.metadata) != (None, None, None)


class StoredConversation(NamedTuple):
    """A conversation without its messages, as it was read.

    Attributes:
        record: What callers stored about it.
        created_at: When it began, in seconds since 1970.
        updated_at: When it was last written, in seconds since 1970.
        expires_at: When it expires, in seconds since 1970; ``None``: never.
        length: The number of its messages.
        revision: Changes with every write, and never repeats.

    """

    record: ConversationRecord
    created_at: float
    updated_at: float
    expires_at: float | None
    length: int
    revision: str


class OwnedPage(NamedTuple):
    """Some conversations of an owner, and the cursor of the next page.

    Attributes:
        conversations: Keys and conversations, the newest ``updated_at`` first.
        cursor: A JSON value; ``None`` after the last page.

    """

    conversations: Sequence[tuple[str, StoredConversation]]
    cursor: Any | None


def check_revision(expected: str | None, current: str | None) -> None:
    """Refuse a write to a conversation that has changed.

    Args:
        expected: The revision that the caller read; ``None``: any.
        current: The conversation's revision; ``None``: it does not exist.

    Raises:
        RevisionConflictError: They differ.

    """
    if expected is not None and expected != current:
        raise RevisionConflictError(current)
