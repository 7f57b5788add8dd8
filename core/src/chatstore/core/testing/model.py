"""A model of a store, for tests that make the same calls on both: plain lists and dictionaries."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from chatstore.core import (
    ChatMessage,
    ConversationExistsError,
    ConversationNotFoundError,
    MessageConflictError,
    MessageNotFoundError,
    RevisionConflictError,
)

TTL = 1000.0
"""Seconds after which the model's conversations expire, if they do."""


class Revision(NamedTuple):
    """An expected revision: its text, and whether the conversation has it."""

    text: str
    is_current: bool


@dataclass
class ModelConversation:
    """A conversation of the model.

    Attributes:
        owner: The owner.
        title: The title.
        metadata: The metadata.
        is_created: Whether it was created without messages.
        messages: The messages.
        writes: The number of writes; a write that may or may not count makes ``is_sure`` false.
        is_sure: Whether the last call changed the revision if and only if it changed ``writes``.
        written_at: The time of the last write.

    """

    owner: str | None = None
    title: str | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    is_created: bool = False
    messages: list[ChatMessage] = field(default_factory=list)
    writes: int = 0
    is_sure: bool = True
    written_at: float = 0.0

    @property
    def outlasts_messages(self) -> bool:
        """Whether it stays when its last message is removed."""
        return self.is_created or bool(self.owner or self.title or self.metadata)

    def index_of(self, message_id: str | None) -> int | None:
        """Return the index of a message."""
        ids = [message.id for message in self.messages]
        return ids.index(message_id) if message_id is not None and message_id in ids else None


class Model:
    """Conversations by key, with the methods of a store.

    Attributes:
        conversations: Those that exist or have expired.

    """

    def __init__(self, now: Callable[[], float], *, expires: bool) -> None:
        """Start empty; ``now`` returns seconds."""
        self.conversations: dict[str, ModelConversation] = {}
        self._now = now
        self._expires = expires

    def find(self, key: str) -> ModelConversation | None:
        """Return a conversation that has not expired."""
        one = self.conversations.get(key)
        if one is not None and self._expires and self._now() >= one.written_at + TTL:
            del self.conversations[key]
            return None
        return one

    def alive(self) -> dict[str, ModelConversation]:
        """Return all conversations that have not expired."""
        keys = [key for key in [*self.conversations] if self.find(key) is not None]
        return {key: self.conversations[key] for key in sorted(keys)}

    # ------------------------------------------------------------------ messages

    def add_messages(
        self, key: str, messages: Sequence[ChatMessage], expected: Revision | None = None
    ) -> None:
        """Append messages, except those that exist."""
        self._add(key, messages, expected, None)

    def add_message(
        self,
        key: str,
        message: ChatMessage,
        idx: int | None = None,
        expected: Revision | None = None,
    ) -> None:
        """Append or insert a message, unless it exists."""
        self._add(key, [message], expected, idx)

    def put_message(self, key: str, message: ChatMessage, expected: Revision | None = None) -> None:
        """Replace a message, or append it."""
        one = self._changeable(key, expected)
        index = one.index_of(message.id)
        if index is None:
            one.messages.append(message)
        else:
            # A backend may recognize the same message as a repetition.
            one.is_sure = one.messages[index] != message
            one.messages[index] = message
        self._save(key, one)

    def set_messages(
        self, key: str, messages: Sequence[ChatMessage], expected: Revision | None = None
    ) -> None:
        """Replace all messages."""
        one = self._changeable(key, expected)
        one.is_sure = bool(one.messages or messages)
        one.messages = list(messages)
        self._save(key, one)

    def delete_message(
        self, key: str, idx: int, expected: Revision | None = None
    ) -> ChatMessage | None:
        """Remove the message at an index."""
        one = self._changeable(key, expected)
        if not -len(one.messages) <= idx < len(one.messages):
            return None
        removed = one.messages.pop(idx)
        self._save(key, one)
        return removed

    def delete_last_message(self, key: str, expected: Revision | None = None) -> ChatMessage | None:
        """Remove the newest message."""
        return self.delete_message(key, -1, expected)

    def remove_message(
        self, key: str, message_id: str, expected: Revision | None = None
    ) -> ChatMessage | None:
        """Remove the message with an id."""
        index = self._changeable(key, expected).index_of(message_id)
        return None if index is None else self.delete_message(key, index)

    def truncate(self, key: str, *, from_id: str, expected: Revision | None = None) -> int:
        """Remove a message and all later ones."""
        one = self._changeable(key, expected)
        index = one.index_of(from_id)
        if index is None:
            raise MessageNotFoundError(from_id)
        count = len(one.messages) - index
        del one.messages[index:]
        self._save(key, one)
        return count

    # ------------------------------------------------------------------ conversations

    def create_conversation(self, key: str, **fields: Any) -> ModelConversation:
        """Create a conversation."""
        if self.find(key) is not None:
            raise ConversationExistsError(key)
        self._save(key, ModelConversation(is_created=True, **fields))
        return self.conversations[key]

    def update_conversation(
        self, key: str, expected: Revision | None = None, **fields: Any
    ) -> ModelConversation:
        """Change the record."""
        one = self.find(key)
        if one is None:
            raise ConversationNotFoundError(key)
        one = self._changeable(key, expected)
        metadata = {**one.metadata, **fields.get("metadata", {})}
        for name, value in fields.get("metadata", {}).items():
            if value is None:
                del metadata[name]
        fields["metadata"] = metadata
        changed = replace(one, **fields)
        if changed != one:
            self._save(key, changed)
        return changed

    def delete_messages(self, key: str, expected: Revision | None = None) -> None:
        """Delete a conversation."""
        self._changeable(key, expected)
        self.conversations.pop(key, None)

    def delete_conversations(self, *, owner: str) -> list[str]:
        """Delete all conversations of an owner."""
        keys = [key for key, one in self.alive().items() if one.owner == owner]
        for key in keys:
            del self.conversations[key]
        return keys

    def fork(
        self, key: str, new_key: str, *, until: str | None = None, **owner: Any
    ) -> ModelConversation:
        """Copy a conversation."""
        source = self.find(key)
        index = None if source is None else source.index_of(until)
        if until is not None and index is None:
            raise MessageNotFoundError(until)
        if source is None:
            raise ConversationNotFoundError(key)
        if self.find(new_key) is not None:
            raise ConversationExistsError(new_key)
        messages = source.messages[: None if index is None else index + 1]
        fields = {"owner": source.owner, **owner, "metadata": {"forked_from": key}}
        self._save(new_key, ModelConversation(is_created=True, messages=messages, **fields))
        return self.conversations[new_key]

    # ------------------------------------------------------------------ helpers

    def _add(
        self,
        key: str,
        messages: Sequence[ChatMessage],
        expected: Revision | None,
        idx: int | None,
    ) -> None:
        one = self.find(key) or ModelConversation()
        indexes = [one.index_of(message.id) for message in messages]
        pairs = list(zip(messages, indexes, strict=True))
        if any(index is not None and one.messages[index] != message for message, index in pairs):
            raise MessageConflictError(key)
        new = [message for message, index in pairs if index is None]
        if not new:
            return
        one = self._changeable(key, expected)
        start = len(one.messages) if idx is None else idx
        one.messages[start:start] = new
        self._save(key, one)

    def _changeable(self, key: str, expected: Revision | None) -> ModelConversation:
        one = self.find(key)
        if expected is not None and not (expected.is_current and one is not None):
            raise RevisionConflictError(None)
        if one is None:
            return ModelConversation()
        one.is_sure = True
        return one

    def _save(self, key: str, one: ModelConversation) -> None:
        if not one.messages and not one.outlasts_messages:
            self.conversations.pop(key, None)
            return
        one.writes += 1
        one.written_at = self._now()
        self.conversations[key] = one
