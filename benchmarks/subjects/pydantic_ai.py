"""Pydantic AI: the store that ships keeps conversations in memory; windows count messages."""

from __future__ import annotations

import itertools
from typing import Any

from pydantic_ai.conversation import Conversation
from pydantic_ai.conversation_store import InMemoryConversationStore
from pydantic_ai.messages import ModelRequest, ModelResponse, TextPart, UserPromptPart

from benchmarks.subjects.subject import WINDOW_MESSAGES, Loop, Subject, text


class Conversations:
    """A store; an append loads the newest message and saves the conversation."""

    IS_ASYNC = True

    def __init__(self, _: str) -> None:
        """Create the store."""
        self.run = Loop()
        self._store = InMemoryConversationStore()
        self._ids: dict[str, str] = {}
        self._numbers = itertools.count()

    async def async_append(self, key: str) -> object:
        """See `Subject`."""
        return await self._save(key, [_message(0)])

    def append(self, key: str) -> object:
        """See `Subject`."""
        return self.run(self.async_append(key))

    def window(self, key: str) -> object:
        """See `Subject`."""
        return self.run(self._store.load(self._id(key), limit=WINDOW_MESSAGES))

    def read(self, key: str) -> int:
        """See `Subject`."""
        conversation = self.run(self._store.load(self._id(key)))
        return 0 if conversation is None else len(conversation.messages)

    def fill(self, key: str, count: int) -> object:
        """See `Subject`."""
        # The store removes nothing, so a new conversation takes the place of the old one.
        self._ids[key] = f"{key}, {count} messages, {next(self._numbers)}"
        return self.run(self._save(key, [_message(number) for number in range(count)]))

    async def _save(self, key: str, messages: list[Any]) -> object:
        stored = await self._store.load(self._id(key), limit=1)
        conversation = stored or Conversation(conversation_id=self._id(key))
        conversation.messages.extend(messages)
        return await self._store.save(conversation)

    def _id(self, key: str) -> str:
        return self._ids.get(key, key)


def _message(number: int) -> ModelRequest | ModelResponse:
    if number % 2:
        return ModelResponse(parts=[TextPart(text())])
    return ModelRequest(parts=[UserPromptPart(text())])


def make(name: str, url: str) -> Subject:
    """Return the subject of a name; it has no call that removes one message."""
    if name != "Pydantic AI":
        raise ValueError(name)
    subject: Any = Conversations(url)
    return subject
