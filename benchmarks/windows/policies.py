"""Ways to choose what is sent: this project's windows, LlamaIndex's buffer, LangChain's function.

Each is given the messages before a request and returns those to send, as the ids of messages.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from chatstore.core import ChatMemoryBuffer, ChatMessage, SimpleChatStore, TokenCounter
from chatstore.core.memory.window import Cut

_TOKEN = re.compile(r"\w+|[^\w\s]")
_KEY = "key"


def tokens_of(text: str) -> list[str]:
    """Return words and punctuation marks: tokens that need no vocabulary."""
    return _TOKEN.findall(text)


COUNTER = TokenCounter(tokens_of)


class Policy(Protocol):
    """Chooses what is sent."""

    def add(self, message: ChatMessage) -> None:
        """Take the next message of the conversation."""
        ...

    def choose(self) -> list[str]:
        """Return the ids of the messages to send."""
        ...


class Buffer:
    """`ChatMemoryBuffer`."""

    def __init__(self, limit: int, cut: Cut) -> None:
        """Begin a conversation."""
        store = SimpleChatStore()
        self._buffer = ChatMemoryBuffer(limit, store, _KEY, tokens_of, cut=cut)

    def add(self, message: ChatMessage) -> None:
        """Store a message."""
        self._buffer.put(message)

    def choose(self) -> list[str]:
        """Return the window."""
        return [str(message.id) for message in self._buffer.get()]


class LlamaIndex:
    """LlamaIndex's `ChatMemoryBuffer`, over a part of the conversation that exceeds the limit.

    The part does not change what it chooses, only its time: it counts all messages again for each
    message that it leaves out.
    """

    def __init__(self, limit: int) -> None:
        """Begin a conversation."""
        self._limit = limit
        self._messages: list[Any] = []
        self._sizes: list[int] = []

    def add(self, message: ChatMessage) -> None:
        """Convert a message."""
        from chatstore.llama_index import to_llama_index

        [converted] = to_llama_index([message])
        converted.additional_kwargs["number"] = message.id
        self._messages.append(converted)
        self._sizes.append(len(tokens_of(str(converted.content or ""))))

    def choose(self) -> list[str]:
        """Return what the buffer returns."""
        from llama_index.core.memory import ChatMemoryBuffer as LlamaIndexBuffer

        total, start = 0, len(self._messages)
        while start > 0 and (total <= self._limit or self._messages[start].role != "user"):
            start -= 1
            total += self._sizes[start]
        buffer = LlamaIndexBuffer.from_defaults(
            chat_history=self._messages[start:], token_limit=self._limit, tokenizer_fn=tokens_of
        )
        return [message.additional_kwargs["number"] for message in buffer.get()]


class LangChain:
    """LangChain's `trim_messages`, with the options of its documentation."""

    def __init__(self, limit: int) -> None:
        """Begin a conversation."""
        self._limit = limit
        self._messages: list[Any] = []
        self._sizes: dict[str | None, int] = {}

    def add(self, message: ChatMessage) -> None:
        """Convert a message."""
        from chatstore.langchain import to_langchain

        for converted in to_langchain([message]):
            converted.id = str(message.id)
            self._messages.append(converted)
        self._sizes[str(message.id)] = COUNTER.count(message)

    def choose(self) -> list[str]:
        """Return what the function returns."""
        from langchain_core.messages import trim_messages

        trimmed = trim_messages(
            self._messages,
            max_tokens=self._limit,
            token_counter=self._count,
            strategy="last",
            start_on="human",
            include_system=True,
        )
        return [str(message.id) for message in trimmed]

    def _count(self, messages: list[Any]) -> int:
        return sum(self._sizes[message.id] for message in messages)


POLICIES: dict[str, Callable[[int], Policy]] = {
    "steps (default)": lambda limit: Buffer(limit, "steps"),
    "sliding": lambda limit: Buffer(limit, "sliding"),
    "LlamaIndex's buffer": LlamaIndex,
    "LangChain's trim_messages": LangChain,
}


def by_id(messages: Sequence[ChatMessage]) -> dict[str, ChatMessage]:
    """Return messages by their ids."""
    return {str(message.id): message for message in messages}
