"""``BufferMemory``: chatstore's memory buffer as a memory of LlamaIndex."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from llama_index.core.bridge.pydantic import PrivateAttr
from llama_index.core.llms import ChatMessage
from llama_index.core.llms.llm import LLM
from llama_index.core.memory import BaseMemory
from typing_extensions import Self

from chatstore.core import ChatMemoryBuffer, ChatStore, InvalidArgumentError
from chatstore.core.checks import check_count
from chatstore.llama_index.messages import to_llama_index, to_messages
from chatstore.llama_index.registry import check_store
from chatstore.llama_index.saving import restored, saved
from chatstore.llama_index.windows import said, sent_payload

_CONTEXT_RATIO = 0.75  # of a model's context window, as LlamaIndex's own buffer takes it
_TOKEN_LIMIT = 3000


class BufferMemory(BaseMemory):
    """Hands LlamaIndex the newest part of a conversation that fits a token limit.

    It is for chat engines and agents (``memory=…``). A window is always one that a provider
    accepts, with tool calls and their results together, and costs the same at any length: see
    `chatstore.core.ChatMemoryBuffer`, whose errors and warnings these methods have.

    A memory in memory is serialized with its messages. One over another store is serialized with
    the name that `register_store` gave the store, and restored where the same name is registered.
    """

    _buffer: ChatMemoryBuffer = PrivateAttr()
    _reserved_tokens: int = PrivateAttr()

    def __init__(self, buffer: ChatMemoryBuffer, *, reserved_tokens: int = 0) -> None:
        """Take a buffer, with its store, key and limit.

        Args:
            buffer: The buffer, made with ``payload_fn=sent_payload`` to count what is sent.
            reserved_tokens: As for `from_defaults`.

        Raises:
            InvalidArgumentError: `buffer` is not a `ChatMemoryBuffer` of chatstore, or
                `reserved_tokens` is not an integer from 0 to the buffer's limit.

        """
        super().__init__()
        if not isinstance(buffer, ChatMemoryBuffer):
            kind = type(buffer)
            raise InvalidArgumentError(
                "buffer must be a chatstore.core.ChatMemoryBuffer, "
                f"not {kind.__module__}.{kind.__qualname__}"
            )
        self._buffer = buffer
        self._reserved_tokens = check_count(reserved_tokens, "reserved_tokens")
        self._room_taken(0)

    @classmethod
    def class_name(cls) -> str:
        """Return the name that LlamaIndex writes when it serializes."""
        return "ChatstoreBufferMemory"

    @classmethod
    def from_defaults(
        cls,
        chat_history: Sequence[ChatMessage] | None = None,
        llm: LLM | None = None,
        chat_store: ChatStore | None = None,
        chat_store_key: str | None = None,
        token_limit: int | None = None,
        tokenizer_fn: Callable[[str], Sequence[object]] | None = None,
        reserved_tokens: int = 0,
        **kwargs: Any,
    ) -> Self:
        """Make a memory.

        Args:
            chat_history: Added at the first use, if the conversation is empty then.
            llm: Its context window gives the limit, three quarters of it, where none is given.
            chat_store: Where the conversation is kept; by default in memory.
            chat_store_key: Its key, such as a session's id. Required with a `chat_store` that is
                a database, since all users would share a conversation otherwise.
            token_limit: The most tokens that a window has; by default 3,000.
            tokenizer_fn: Returns the tokens of a text; by default tiktoken's ``o200k_base``.
            reserved_tokens: Tokens of the limit for what is sent besides and that LlamaIndex does
                not tell a memory: an agent's system prompt and tool schemas, a context engine's
                template and nodes. The prefix of a `SimpleChatEngine` is counted without it.
            kwargs: Not accepted; LlamaIndex's signature has them.

        Raises:
            TypeError: An argument is not known.
            InvalidArgumentError: A database without a key, or a `chat_store` that is not a
                `ChatStore`; a limit that is not a positive integer; `reserved_tokens` above it.

        """
        _refuse_unknown(kwargs)
        if chat_store is not None:
            check_store(chat_store, "chat_store")
        if token_limit is None:
            token_limit = _TOKEN_LIMIT
            if llm is not None:
                token_limit = int(llm.metadata.context_window * _CONTEXT_RATIO)
        history = to_messages(chat_history or [])
        buffer = ChatMemoryBuffer.from_defaults(
            token_limit,
            chat_store,
            chat_store_key,
            tokenizer_fn,
            history,
            payload_fn=sent_payload,
        )
        return cls(buffer, reserved_tokens=reserved_tokens)

    def to_dict(self, **kwargs: Any) -> dict[str, Any]:
        """Return settings, and the messages or the store's name; a tokenizer is not saved.

        Args:
            kwargs: Not used; LlamaIndex's signature has them.

        Raises:
            InvalidArgumentError: The store is a database that `register_store` did not name.

        """
        del kwargs
        return saved(self._buffer, self._reserved_tokens, self.class_name())

    @classmethod
    def from_dict(cls, data: dict[str, Any], **kwargs: Any) -> Self:
        """Restore what `to_dict` returned.

        Args:
            data: What `to_dict` returned.
            kwargs: A `chat_store` to use instead of the registered one, and a `tokenizer_fn`.

        Raises:
            InvalidArgumentError: This process did not register the store's name, or the data are
                not what `to_dict` returned.

        """
        buffer, reserved_tokens = restored(data, **kwargs)
        return cls(buffer, reserved_tokens=reserved_tokens)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the buffer, or raise what its store raises; LlamaIndex would leave it out."""
        return (_unpickled, (type(self), self._buffer, self._reserved_tokens))

    def tokenizer_fn(self, text: str) -> Sequence[object]:
        """Return something as long as a text has tokens; chat engines count their prefix so."""
        return range(self._buffer.count_text(text))

    def get(
        self,
        input: str | None = None,  # noqa: A002 - LlamaIndex's name
        initial_token_count: int = 0,
        **kwargs: Any,
    ) -> list[ChatMessage]:
        """Return the window, oldest first.

        Args:
            input: Not used; memories that search take it.
            initial_token_count: Tokens that are sent besides, such as a prompt or tool schemas.
            kwargs: Not accepted; LlamaIndex's signature has them.

        Raises:
            TypeError: An argument is not known.
            InvalidArgumentError: `initial_token_count` and `reserved_tokens` are above the limit.

        """
        _refuse_unknown(kwargs)
        taken = self._room_taken(initial_token_count)
        return said(to_llama_index(self._buffer.get(input, taken)))

    async def aget(
        self,
        input: str | None = None,  # noqa: A002 - LlamaIndex's name
        initial_token_count: int = 0,
        **kwargs: Any,
    ) -> list[ChatMessage]:
        """Like `get`, but awaitable."""
        _refuse_unknown(kwargs)
        taken = self._room_taken(initial_token_count)
        return said(to_llama_index(await self._buffer.async_get(input, taken)))

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

    def _room_taken(self, initial_token_count: int) -> int:
        """Return the tokens of the limit that are not for messages."""
        initial = check_count(initial_token_count, "initial_token_count")
        taken, limit = initial + self._reserved_tokens, self._buffer.token_limit
        if taken > limit:
            raise InvalidArgumentError(
                f"initial_token_count {initial} and reserved_tokens {self._reserved_tokens} are "
                f"above token_limit {limit}: raise the limit or shorten the prompt"
            )
        return taken


def _refuse_unknown(kwargs: dict[str, Any]) -> None:
    if kwargs:
        raise TypeError(f"unexpected arguments: {', '.join(kwargs)}")


def _unpickled(
    kind: type[BufferMemory], buffer: ChatMemoryBuffer, reserved_tokens: int
) -> BufferMemory:
    return kind(buffer, reserved_tokens=reserved_tokens)
