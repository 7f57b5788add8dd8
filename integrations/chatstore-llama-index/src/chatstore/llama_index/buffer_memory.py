"""``BufferMemory``: ``ChatMemoryBuffer`` as a memory of LlamaIndex."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from llama_index.core.bridge.pydantic import PrivateAttr
from llama_index.core.llms import ChatMessage
from llama_index.core.llms.llm import LLM
from llama_index.core.memory import BaseMemory
from typing_extensions import Self

from chatstore.core import ChatMemoryBuffer, ChatStore, InvalidArgumentError
from chatstore.core.checks import check_count
from chatstore.core.foreign import full_name
from chatstore.core.memory.compactor import Compactor, make_compactor
from chatstore.core.memory.window import Cut
from chatstore.core.store import check_store
from chatstore.llama_index.messages import to_llama_index, to_messages
from chatstore.llama_index.sending import sent_payload, without_empty
from chatstore.llama_index.serialization import dump_buffer, load_buffer

_CONTEXT_RATIO = 0.75  # of a model's context window, as in LlamaIndex's own buffer
_TOKEN_LIMIT = 3000
Summarize: TypeAlias = Callable[[list[ChatMessage]], Any]
"""Returns text or a message; it may be async, for `BufferMemory.aget`."""


class BufferMemory(BaseMemory):
    """The newest part of a conversation that fits a token limit, for LlamaIndex.

    Pass it to chat engines and agents (``memory=…``). Providers accept every window: tool calls
    and their results are kept together. Reading a window costs the same at any length. The
    methods raise and warn as those of `chatstore.core.ChatMemoryBuffer` do.

    If the store is in memory, `to_dict` saves the messages. Otherwise it saves the name that
    `register_store` gave the store; restore it in a process that registered the same name.
    """

    _buffer: ChatMemoryBuffer = PrivateAttr()
    _reserved_tokens: int = PrivateAttr()
    _summarize: Summarize | None = PrivateAttr()
    _compact_above: int | None = PrivateAttr()

    def __init__(
        self,
        buffer: ChatMemoryBuffer,
        *,
        reserved_tokens: int = 0,
        summarize: Summarize | None = None,
        compact_above: int | None = None,
    ) -> None:
        """Use a buffer, with its store, key and limit.

        Args:
            buffer: The buffer; make it with ``payload_fn=sent_payload`` to count all that is sent.
            reserved_tokens: As for `from_defaults`.
            summarize: As for `from_defaults`.
            compact_above: As for `from_defaults`.

        Raises:
            InvalidArgumentError: `buffer` is not a `ChatMemoryBuffer` of chatstore,
                `reserved_tokens` is not an integer from 0 to the buffer's limit, or
                `compact_above` is not an integer of at least 0, or given without `summarize`.

        """
        super().__init__()
        if not isinstance(buffer, ChatMemoryBuffer):
            raise InvalidArgumentError(
                f"buffer must be a chatstore.core.ChatMemoryBuffer, not {full_name(buffer)}"
            )
        self._buffer = buffer
        self._reserved_tokens = check_count(reserved_tokens, "reserved_tokens")
        self._tokens_besides(0)
        self._summarize = summarize
        self._compact_above = compact_above
        self._compactor()

    @classmethod
    def class_name(cls) -> str:
        """Return the name by which LlamaIndex restores this class."""
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
        *,
        cut: Cut = "steps",
        summarize: Summarize | None = None,
        compact_above: int | None = None,
        **kwargs: Any,
    ) -> Self:
        """Create a memory.

        Args:
            chat_history: Added at the first use if the conversation is empty.
            llm: If `token_limit` is missing, it is three quarters of this model's context window.
            chat_store: Where the conversation is kept; by default in memory.
            chat_store_key: The conversation's key, such as a session's id. Required if
                `chat_store` is a database, since otherwise all users would share a conversation.
            token_limit: The most tokens of a window; by default 3,000.
            tokenizer_fn: Returns the tokens of a text; by default tiktoken's ``o200k_base``.
            reserved_tokens: Tokens of the limit to keep free for what is sent in addition: an
                agent's system prompt and tool schemas, a context engine's template and nodes.
                Do not include the prefix of a `SimpleChatEngine`: the engine passes its length.
            cut: ``"steps"``: the start of the window stays for many turns, so that prompt caches
                hit; ``"sliding"``: the fullest window.
            summarize: Returns a summary of messages, as text or as a message. `get` stores it and
                returns it instead of older turns, which stay stored; `aget` also takes an async
                function. See `chatstore.core.ChatMemoryBuffer.compact`.
            compact_above: Summarize if a window could use more tokens than this; by default
                `token_limit`.
            kwargs: Not accepted; LlamaIndex's signature has them.

        Raises:
            TypeError: An argument is unknown.
            InvalidArgumentError: `chat_store` is not a `ChatStore`, or is a database and
                `chat_store_key` is missing; `token_limit` is not a positive integer;
                `reserved_tokens` is above it; `cut` is neither ``"steps"`` nor ``"sliding"``; or
                `compact_above` is not an integer of at least 0, or given without `summarize`.

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
            cut=cut,
            payload_fn=sent_payload,
        )
        return cls(
            buffer,
            reserved_tokens=reserved_tokens,
            summarize=summarize,
            compact_above=compact_above,
        )

    def to_dict(self, **kwargs: Any) -> dict[str, Any]:
        """Return the settings, and the messages or the store's name; no functions.

        Args:
            kwargs: Not used; LlamaIndex's signature has them.

        Raises:
            InvalidArgumentError: The store is a database that is not registered.

        """
        del kwargs
        return dump_buffer(self._buffer, self._reserved_tokens, self.class_name())

    @classmethod
    def from_dict(cls, data: dict[str, Any], **kwargs: Any) -> Self:
        """Restore what `to_dict` returned.

        Args:
            data: What `to_dict` returned.
            kwargs: `chat_store`, used instead of the registered one, `tokenizer_fn`, `summarize`
                and `compact_above`.

        Raises:
            InvalidArgumentError: The store's name is not registered in this process, or the data
                are not what `to_dict` returned.

        """
        compaction = {name: kwargs.pop(name, None) for name in ("summarize", "compact_above")}
        buffer, reserved_tokens = load_buffer(data, **kwargs)
        return cls(buffer, reserved_tokens=reserved_tokens, **compaction)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the buffer, or raise what its store raises; LlamaIndex would omit it."""
        settings = (self._reserved_tokens, self._summarize, self._compact_above)
        return (_unpickle, (type(self), self._buffer, *settings))

    def tokenizer_fn(self, text: str) -> Sequence[object]:
        """Return a sequence with the length of the text in tokens; chat engines count with it."""
        return range(self._buffer.count_text(text))

    def get(
        self,
        input: str | None = None,  # noqa: A002 - LlamaIndex's name
        initial_token_count: int = 0,
        **kwargs: Any,
    ) -> list[ChatMessage]:
        """Return the window, oldest first.

        Args:
            input: Not used; for compatibility with memories that search.
            initial_token_count: Tokens that are sent in addition, such as a prompt's.
            kwargs: Not accepted; LlamaIndex's signature has them.

        Raises:
            TypeError: An argument is unknown.
            InvalidArgumentError: `initial_token_count` and `reserved_tokens` together are above
                the limit.

        """
        _refuse_unknown(kwargs)
        tokens = self._tokens_besides(initial_token_count)
        compactor = self._compactor()
        if compactor is not None:
            compactor.compact(self._buffer, tokens)
        return without_empty(to_llama_index(self._buffer.get(input, tokens)))

    async def aget(
        self,
        input: str | None = None,  # noqa: A002 - LlamaIndex's name
        initial_token_count: int = 0,
        **kwargs: Any,
    ) -> list[ChatMessage]:
        """Like `get`, but awaitable."""
        _refuse_unknown(kwargs)
        tokens = self._tokens_besides(initial_token_count)
        compactor = self._compactor()
        if compactor is not None:
            await compactor.async_compact(self._buffer, tokens)
        return without_empty(to_llama_index(await self._buffer.async_get(input, tokens)))

    def get_all(self) -> list[ChatMessage]:
        """Return the whole conversation, oldest first, without summaries."""
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
        """Append all messages next to each other, or none."""
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
        """Delete the conversation."""
        self._buffer.reset()

    async def areset(self) -> None:
        """Like `reset`, but awaitable."""
        await self._buffer.async_reset()

    def _compactor(self) -> Compactor[ChatMessage] | None:
        return make_compactor(
            self._summarize,
            self._compact_above,
            to_framework=to_llama_index,
            to_messages=to_messages,
        )

    def _tokens_besides(self, initial_token_count: int) -> int:
        """Return how many tokens of the limit are not for messages."""
        initial = check_count(initial_token_count, "initial_token_count")
        total, limit = initial + self._reserved_tokens, self._buffer.token_limit
        if total > limit:
            raise InvalidArgumentError(
                f"initial_token_count {initial} and reserved_tokens {self._reserved_tokens} are "
                f"above token_limit {limit}: raise the limit or shorten the prompt"
            )
        return total


def _refuse_unknown(kwargs: dict[str, Any]) -> None:
    if kwargs:
        raise TypeError(f"unexpected arguments: {', '.join(kwargs)}")


def _unpickle(
    kind: type[BufferMemory],
    buffer: ChatMemoryBuffer,
    reserved_tokens: int,
    summarize: Summarize | None,
    compact_above: int | None,
) -> BufferMemory:
    return kind(
        buffer,
        reserved_tokens=reserved_tokens,
        summarize=summarize,
        compact_above=compact_above,
    )
