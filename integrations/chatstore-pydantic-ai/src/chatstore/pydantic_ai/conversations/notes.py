"""What this package keeps in the metadata of a stored message: ``Notes``."""

from __future__ import annotations

from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_ai.conversation_store import ConversationRecord

from chatstore.core import ChatMessage, CorruptStoreError, InvalidMessageError

_NAME = "chatstore.pydantic_ai"


class Base(NamedTuple):
    """An entry in another conversation's log that a log continues from.

    Attributes:
        key: The other conversation's key.
        entry_id: The entry's id.

    """

    key: str
    entry_id: str


class Mark(BaseModel):
    """The state of a conversation, in the newest message of its log.

    Attributes:
        record: The record; ``None``: the conversation was deleted, and only entries are left that
            forks use.
        bases: Entries of other logs that this log continues from.

    """

    record: ConversationRecord | None
    bases: list[Base]


class Notes(BaseModel):
    """The notes in a message's metadata; only fields that were set are stored.

    Attributes:
        kind: ``"entry"``: the message's id is the entry's id. ``"carrier"``: the message only
            carries a mark. ``None``: another program wrote the message.
        parent: If it is set, the id of the entry before this one.
        mark: The state of the conversation, if the message was the newest one.
        forks: The keys of conversations that continue from this entry, with the time in seconds
            since 1970 at which they began to.

    """

    # as in Pydantic AI's own adapters
    model_config = ConfigDict(ser_json_bytes="base64", val_json_bytes="base64", frozen=True)

    kind: Literal["entry", "carrier"] | None = None
    parent: str | None = None
    mark: Mark | None = None
    forks: dict[str, float] = {}

    @property
    def has_parent(self) -> bool:
        """Whether the notes say which entry is before this one."""
        return "parent" in self.model_fields_set


def notes_of(message: ChatMessage) -> Notes:
    """Return the notes in a message's metadata.

    Raises:
        CorruptStoreError: They cannot be read.

    """
    value = message.metadata.get(_NAME, {})
    try:
        return Notes.model_validate(value)
    except ValidationError:
        pass
    raise CorruptStoreError(  # outside: the cause quotes the content
        f"the metadata {_NAME!r} of a message cannot be read; if a later version of "
        "chatstore-pydantic-ai or of pydantic-ai-slim wrote it, install that version"
    )


def with_notes(message: ChatMessage, notes: Notes) -> ChatMessage:
    """Return the message with these notes.

    Raises:
        InvalidMessageError: JSON cannot hold the record.

    """
    try:
        value = notes.model_dump(mode="json", exclude_unset=True)
    except ValueError:
        value = None
    if value is None:  # outside: the cause quotes the content
        raise InvalidMessageError("JSON cannot hold the conversation's record")
    return message.model_copy(update={"metadata": {**message.metadata, _NAME: value}})


def without_notes(message: ChatMessage) -> ChatMessage:
    """Return the message as the application sees it."""
    if _NAME not in message.metadata:
        return message
    rest = {name: value for name, value in message.metadata.items() if name != _NAME}
    return message.model_copy(update={"metadata": rest})


def change_notes(message: ChatMessage, **changes: object) -> ChatMessage:
    """Return the message with some notes changed."""
    return with_notes(message, notes_of(message).model_copy(update=changes))
