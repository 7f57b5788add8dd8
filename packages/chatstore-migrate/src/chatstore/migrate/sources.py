"""Sources: what `migrate` reads."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, runtime_checkable

from pydantic import JsonValue

from chatstore.core import (
    ChatMessage,
    ChatStore,
    Conversation,
    CorruptMessageError,
    InvalidArgumentError,
)
from chatstore.core.backend import Backend, Plan, StoredConversation
from chatstore.core.checks import check_owner, check_prefix
from chatstore.core.operations.records import conversation_of

_ADVICE = "on_error='skip' copies the other conversations"
_MAX_ID_BYTES = 255
_PAGE = 200  # conversations


@dataclass(frozen=True, slots=True)
class RecordFields:
    """What a program stored about a conversation.

    Attributes:
        owner: Whose conversation it is.
        title: Its title.
        metadata: A JSON object.

    """

    owner: str | None = None
    title: str | None = None
    metadata: dict[str, JsonValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SourceRecord:
    """The record of a source's conversation.

    Attributes:
        fields: Owner, title and metadata.
        is_created: Whether the conversation stays without messages, so that the copy is created
            before its first message.
        revision: Changes with every write to the conversation; ``None``: the source does not
            change.
        created_at: When it began; for exports.
        updated_at: When it was last written; for exports.

    """

    fields: RecordFields = field(default_factory=RecordFields)
    is_created: bool = False
    revision: str | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None


class Source(Protocol):
    """Conversations to copy."""

    def keys(self) -> Iterable[str]:
        """Return the keys of all conversations, each once."""
        ...

    def messages(self, key: str) -> Iterable[ChatMessage]:
        """Return the messages of a conversation, oldest first; the same ones each time.

        Each has an id that no other message of the conversation has: `with_ids`.
        """
        ...


@runtime_checkable
class RecordSource(Source, Protocol):
    """Conversations that have records."""

    def record(self, key: str) -> SourceRecord | None:
        """Return the record of a conversation; ``None`` if there is no such conversation."""
        ...


@runtime_checkable
class SizedSource(Source, Protocol):
    """Conversations whose numbers of messages are known beforehand, for the remaining time."""

    def sizes(self) -> Iterable[tuple[str, int]]:
        """Return the keys of all conversations, each with the number of messages."""
        ...


class Reader(Protocol):
    """Conversations as JSON values, as another library stored them."""

    def keys(self) -> Iterable[str]:
        """Return the keys of all conversations."""
        ...

    def items(self, key: str) -> Iterable[Any]:
        """Return the messages of a conversation as JSON values, oldest first."""
        ...


class MappedSource:
    """A source made of a reader and a function that turns JSON values into messages."""

    def __init__(self, reader: Reader, to_message: Callable[[Any], ChatMessage]) -> None:
        """Combine both.

        Args:
            reader: Reads the JSON values.
            to_message: Returns the message for a value, or raises `ValueError`, `TypeError`,
                `KeyError` or `AttributeError` if the value is not a message.

        """
        self._reader = reader
        self._to_message = to_message

    def keys(self) -> Iterator[str]:
        """Return the keys of all conversations, each once."""
        seen: set[str] = set()
        for key in self._reader.keys():  # noqa: SIM118 - a Reader
            if key not in seen:
                seen.add(key)
                yield key

    def messages(self, key: str) -> Iterator[ChatMessage]:
        """Return the messages of a conversation, oldest first.

        Raises:
            CorruptMessageError: A value is not a message of the library.

        """
        return with_ids(self._converted(key))

    def _converted(self, key: str) -> Iterator[ChatMessage]:
        values = iter(self._reader.items(key))
        for position in itertools.count():
            message = None
            try:
                value = next(values)
                message = self._to_message(value)
            except StopIteration:
                return
            except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
                pass  # raised below: the library's error quotes the message
            if message is None:
                raise CorruptMessageError(
                    f"conversation {key!r} contains something that is not a message",
                    key=key,
                    position=position,
                    advice=_ADVICE,
                )
            yield message


class StoreSource:
    """The conversations of a `ChatStore`, with their records, ids and times."""

    def __init__(
        self,
        store: ChatStore,
        *,
        prefix: str = "",
        owner: str | None = None,
        keys: Iterable[str] | None = None,
    ) -> None:
        """Read from a store, which is never closed.

        Args:
            store: The store.
            prefix: Only conversations whose keys begin with it.
            owner: Only this owner's conversations.
            keys: Only these conversations; the others are not listed.

        Raises:
            InvalidArgumentError: An argument is not valid.

        """
        if isinstance(keys, str):
            raise InvalidArgumentError("keys must be a list of keys, not one string")
        self.store = store
        self._prefix = check_prefix(prefix)
        self._owner = None if owner is None else check_owner(owner)
        self._keys = None if keys is None else list(dict.fromkeys(keys))

    def keys(self) -> Iterator[str]:
        """Return the keys of the conversations."""
        if self._keys is None and self._owner is None:
            return self.store.iter_keys(self._prefix)
        return (key for key, _ in self.sizes())

    def sizes(self) -> Iterator[tuple[str, int]]:
        """Return the keys of the conversations, each with the number of messages."""
        for one in self._conversations():
            if one.key.startswith(self._prefix) and self._owner in (None, one.owner):
                yield one.key, one.length

    def _conversations(self) -> Iterator[Conversation]:
        if self._keys is not None:
            for key in self._keys:
                conversation = self.store.get_conversation(key)
                if conversation is not None:
                    yield conversation
        elif self._owner is not None:
            yield from self.store.iter_conversations(owner=self._owner)
        else:
            cursor, is_first = None, True
            while is_first or cursor is not None:
                is_first = False
                page, cursor = self.store.run("list_conversations", _page, self._prefix, cursor)
                yield from page

    def messages(self, key: str) -> Iterator[ChatMessage]:
        """Return the messages of a conversation, oldest first, page by page."""
        return self.store.iter_messages(key)

    def record(self, key: str) -> SourceRecord | None:
        """Return the record of a conversation; ``None`` if there is no such conversation."""
        stored = self.store.run("get_conversation", _read_conversation, key)
        if stored is None:
            return None
        conversation = conversation_of(key, stored)
        return SourceRecord(
            RecordFields(conversation.owner, conversation.title, conversation.metadata),
            stored.record.outlasts_messages,
            conversation.revision,
            conversation.created_at,
            conversation.updated_at,
        )


def with_ids(messages: Iterable[ChatMessage]) -> Iterator[ChatMessage]:
    """Give each message an id that does not change from run to run.

    This is its own id, unless it has none or an earlier message has the same; then it is made of
    the message's index and content.
    """
    seen: set[str] = set()
    for position, message in enumerate(messages):
        message_id = message.id
        if message_id is None or message_id in seen or len(message_id.encode()) > _MAX_ID_BYTES:
            text = message.model_dump_json(exclude={"id", "created_at"})
            digest = hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:16]
            message_id = f"migrated:{position}:{digest}"
        seen.add(message_id)
        yield message.model_copy(update={"id": message_id})


def _read_conversation(backend: Backend[Any], key: str) -> Plan[Any, StoredConversation | None]:
    [stored] = yield from backend.read_conversations([key])
    return stored


def _page(
    backend: Backend[Any], prefix: str, cursor: Any
) -> Plan[Any, tuple[list[Conversation], Any]]:
    keys = yield from backend.list_keys(prefix, _PAGE, cursor)
    stored = yield from backend.read_conversations(keys.keys)
    pairs = zip(keys.keys, stored, strict=True)
    return [conversation_of(key, one) for key, one in pairs if one is not None], keys.cursor
