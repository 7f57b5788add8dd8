"""``MessageHistory``: a conversation in any store as Pydantic AI's messages."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

from pydantic_ai.messages import ModelMessage

from chatstore.core import (
    ChatMemoryBuffer,
    ChatMessage,
    ChatStore,
    Conversation,
    InvalidArgumentError,
)
from chatstore.core.checks import check_key
from chatstore.core.memory.compactor import make_compactor
from chatstore.core.memory.spans import read_recent
from chatstore.core.memory.summaries import without_summaries
from chatstore.core.operations import (
    add_messages,
    check_new_record,
    set_messages,
    write_with_record,
)
from chatstore.core.store import check_store
from chatstore.pydantic_ai.messages import convert_each, to_messages, to_model_messages
from chatstore.pydantic_ai.sending import sent_payload

Summarize: TypeAlias = Callable[[list[ModelMessage]], Any]
"""Returns text or a message; it may be async, for `MessageHistory.async_load`."""

_COMPACT_ABOVE = 3000  # tokens, the default limit of windows


class MessageHistory:
    """Loads and saves one conversation; methods also raise what the store's methods raise.

    With ``summarize``, a summary is loaded instead of older turns, which stay stored; without it,
    no summary is loaded.
    """

    def __init__(
        self,
        store: ChatStore,
        key: str,
        *,
        owner: str | None = None,
        title: str | None = None,
        summarize: Summarize | None = None,
        compact_above: int | None = None,
        tokenizer_fn: Callable[[str], Sequence[object]] | None = None,
    ) -> None:
        """Use a store, which is never closed; nothing is read yet.

        Args:
            store: Where the conversation is kept.
            key: The conversation's key.
            owner: Whose conversation it is, for the store's ``list_conversations(owner=…)``. It is
                stored when `save` or `replace` begins the conversation, and needs one more request
                in each of these calls; an existing conversation keeps its own.
            title: The conversation's title, which is stored with the owner. To change either
                later, use the store's ``update_conversation``.
            summarize: Returns a summary of messages, as text or as a message, such as
                ``lambda messages: agent.run_sync("Summarize.", message_history=messages).output``.
                `load` calls it if older turns take too many tokens; `async_load` also takes an
                async function. See `chatstore.core.ChatMemoryBuffer.compact`.
            compact_above: Summarize if the messages have more tokens than this; by default 3,000.
            tokenizer_fn: Returns the tokens of a text; by default tiktoken's ``o200k_base``.

        Raises:
            InvalidArgumentError: ``store`` is not a `ChatStore`, ``owner`` or ``title`` is not
                valid, or ``compact_above`` is not an integer of at least 0, or is given without
                ``summarize``.
            InvalidKeyError: ``key`` is not a valid key.

        """
        self.store = check_store(store)
        self.key = check_key(key)
        self._record = check_new_record(owner, title)
        self._compactor = make_compactor(
            summarize, compact_above, to_framework=to_model_messages, to_messages=to_messages
        )
        self._tokenizer_fn = tokenizer_fn

    def load(self) -> list[ModelMessage]:
        """Return the messages, oldest first, for an agent's ``message_history``.

        With ``summarize``, these are leading system prompts, the summary and the newest turns.

        Raises:
            CorruptMessageError: A message cannot be read.

        """
        if self._compactor is None:
            return to_model_messages(without_summaries(self.store.get_messages(self.key)))
        self._compactor.compact(self._buffer())
        return to_model_messages(self.store.run("load", read_recent, self.key))

    async def async_load(self) -> list[ModelMessage]:
        """Like `load`, but awaitable."""
        if self._compactor is None:
            messages = await self.store.async_get_messages(self.key)
            return to_model_messages(without_summaries(messages))
        await self._compactor.async_compact(self._buffer())
        return to_model_messages(await self.store.async_run("load", read_recent, self.key))

    def save(self, messages: Iterable[ModelMessage]) -> None:
        """Append the messages that are not saved yet, all next to each other, or none.

        Save ``result.new_messages()`` after a run, or a run's messages as they arrive. A message's
        id is made of its content, so messages can be saved again, in any groups. A message that
        was changed after it was saved is another message, which is appended; to change what is
        stored, use `replace`. With ``summarize``, save new messages only: Pydantic AI may join a
        loaded summary with the message behind it.

        Raises:
            InvalidMessageError: JSON cannot hold a message.
            MessageTooLargeError: A message is above the store's limit.

        """
        new = without_summaries(to_messages(messages))
        self.store.run("add_messages", write_with_record, self.key, self._record, add_messages, new)

    async def async_save(self, messages: Iterable[ModelMessage]) -> None:
        """Like `save`, but awaitable."""
        new = without_summaries(to_messages(messages))
        await self.store.async_run(
            "add_messages", write_with_record, self.key, self._record, add_messages, new
        )

    def replace(self, messages: Iterable[ModelMessage]) -> None:
        """Replace the whole conversation in one write, for a history that was edited.

        Raises:
            InvalidMessageError: JSON cannot hold a message.
            MessageTooLargeError: A message is above the store's limit.

        """
        edited = to_messages(messages)
        self.store.run(
            "set_messages", write_with_record, self.key, self._record, set_messages, edited
        )

    async def async_replace(self, messages: Iterable[ModelMessage]) -> None:
        """Like `replace`, but awaitable."""
        edited = to_messages(messages)
        await self.store.async_run(
            "set_messages", write_with_record, self.key, self._record, set_messages, edited
        )

    def fork(self, new_key: str, *, messages: int | None = None) -> MessageHistory:
        """Begin another conversation with the messages of this one, and return its history.

        It has the owner of this conversation, no title, and the options of this history.

        Args:
            new_key: The new conversation's key.
            messages: How many of the messages it begins with, as `load` without ``summarize``
                returns them; by default all.

        Raises:
            ConversationExistsError: There is a conversation with the new key.
            ConversationNotFoundError: This conversation does not exist.
            InvalidArgumentError: ``messages`` is not between 1 and the number of messages.

        """
        until = None
        if messages is not None:
            until = _last_id(self.store.get_messages(self.key), messages)
        return self._of(self.store.fork(self.key, new_key, until=until))

    async def async_fork(self, new_key: str, *, messages: int | None = None) -> MessageHistory:
        """Like `fork`, but awaitable."""
        until = None
        if messages is not None:
            until = _last_id(await self.store.async_get_messages(self.key), messages)
        return self._of(await self.store.async_fork(self.key, new_key, until=until))

    def _of(self, begun: Conversation) -> MessageHistory:
        """Return a history of a fork with the same options."""
        history = copy.copy(self)
        history.key = begun.key
        history._record = check_new_record(begun.owner, None)  # noqa: SLF001 - of this class
        return history

    def _buffer(self) -> ChatMemoryBuffer:
        return ChatMemoryBuffer(
            _COMPACT_ABOVE, self.store, self.key, self._tokenizer_fn, payload_fn=sent_payload
        )


def _last_id(stored: Sequence[ChatMessage], count: int) -> str | None:
    """Return the id of the message that a fork ends with."""
    listed = without_summaries(stored)
    loaded = [
        message.id
        for message, made in zip(listed, convert_each(listed), strict=True)
        if made is not None
    ]
    if not 1 <= count <= len(loaded):
        raise InvalidArgumentError(
            f"messages must be between 1 and {len(loaded)}, the number of messages, not {count}"
        )
    return loaded[count - 1]
