"""``BufferMemory``: chatstore's memory buffer as a memory of LlamaIndex."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from llama_index.core.bridge.pydantic import PrivateAttr
from llama_index.core.llms import ChatMessage
from llama_index.core.llms.llm import LLM
from llama_index.core.memory import BaseMemory
from typing_extensions import Self

from chatstore.core import ChatMemoryBuffer, ChatStore
from chatstore.llama_index.messages import to_llama_index, to_messages

_CONTEXT_RATIO = 0.75  # of a model's context window, as LlamaIndex's own buffer takes it
_TOKEN_LIMIT = 3000


class BufferMemory(BaseMemory):
    """Hands LlamaIndex the newest part of a conversation that fits a token limit.

    It is for chat engines and agents (``memory=…``). A window is always one that a provider
    accepts, with tool calls and their results together, and costs the same at any length: see
    `chatstore.core.ChatMemoryBuffer`, whose errors and warnings these methods have.
    """

    _buffer: ChatMemoryBuffer = PrivateAttr()

    def __init__(self, buffer: ChatMemoryBuffer, **fields: Any) -> None:
        """Take a buffer, with its store, key and limit."""
        super().__init__(**fields)
        self._buffer = buffer

    @classmethod
    def class_name(cls) -> str:
        """Return the name that LlamaIndex writes when it serializes; messages are not written."""
        return "ChatstoreBufferMemory"

    @classmethod
    def from_defaults(
        cls,
        chat_history: Sequence[ChatMessage] | None = None,
        llm: LLM | None = None,
        chat_store: ChatStore | None = None,
        chat_store_key: str = "chat_history",
        token_limit: int | None = None,
        tokenizer_fn: Callable[[str], Sequence[object]] | None = None,
        **kwargs: Any,
    ) -> Self:
        """Make a memory.

        Args:
            chat_history: Added at the first use, if the conversation is empty then.
            llm: Its context window gives the limit, three quarters of it, where none is given.
            chat_store: Where the conversation is kept; by default in memory.
            chat_store_key: Its key.
            token_limit: The most tokens that a window has; by default 3,000.
            tokenizer_fn: Returns the tokens of a text; by default tiktoken's ``o200k_base``.
            kwargs: There are none; LlamaIndex's signature has them.

        Raises:
            TypeError: An argument is not known.
            InvalidArgumentError: The limit is no positive integer, or the key is none.

        """
        if kwargs:
            message = f"unexpected arguments: {', '.join(kwargs)}"
            raise TypeError(message)
        if token_limit is None:
            token_limit = _TOKEN_LIMIT
            if llm is not None:
                token_limit = int(llm.metadata.context_window * _CONTEXT_RATIO)
        history = to_messages(chat_history or [])
        return cls(
            ChatMemoryBuffer.from_defaults(
                token_limit, chat_store, chat_store_key, tokenizer_fn, history
            )
        )

    def get(
        self,
        input: str | None = None,  # noqa: A002 - LlamaIndex's name
        initial_token_count: int = 0,
        **kwargs: Any,  # noqa: ARG002 - LlamaIndex's signature
    ) -> list[ChatMessage]:
        """Return the window, oldest first.

        Args:
            input: Not used; memories that search take it.
            initial_token_count: Tokens that are sent besides, such as a prompt or tool schemas.
            kwargs: Not used.

        """
        return to_llama_index(self._buffer.get(input, initial_token_count))

    async def aget(
        self,
        input: str | None = None,  # noqa: A002 - LlamaIndex's name
        initial_token_count: int = 0,
        **kwargs: Any,  # noqa: ARG002 - LlamaIndex's signature
    ) -> list[ChatMessage]:
        """Like `get`, but awaitable."""
        return to_llama_index(await self._buffer.async_get(input, initial_token_count))

    def get_all(self) -> list[ChatMessage]:
        """Return the whole conversation, oldest first."""
        return to_llama_index(self._buffer.get_all())

    async def aget_all(self) -> list[ChatMessage]:
        """Like `get_all`, but awaitable."""
        return to_llama_index(await self._buffer.async_get_all())

    def put(self, message: ChatMessage) -> None:
        """Append a message."""
        self.put_messages([message])

    async def aput(self, message: ChatMessage) -> None:
        """Like `put`, but awaitable."""
        await self.aput_messages([message])

    def put_messages(self, messages: Sequence[ChatMessage]) -> None:
        """Append messages next to each other, all or none."""
        self._buffer.put_messages(to_messages(messages))

    async def aput_messages(self, messages: Sequence[ChatMessage]) -> None:
        """Like `put_messages`, but awaitable."""
        await self._buffer.async_put_messages(to_messages(messages))

    def set(self, messages: Sequence[ChatMessage]) -> None:
        """Replace the conversation."""
        self._buffer.set(to_messages(messages))

    async def aset(self, messages: Sequence[ChatMessage]) -> None:
        """Like `set`, but awaitable."""
        await self._buffer.async_set(to_messages(messages))

    def reset(self) -> None:
        """Forget the conversation."""
        self._buffer.reset()

    async def areset(self) -> None:
        """Like `reset`, but awaitable."""
        await self._buffer.async_reset()
