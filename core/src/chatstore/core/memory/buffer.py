"""``ChatMemoryBuffer``: the part of a conversation of any length to send to a model."""

from __future__ import annotations

import copy
import hashlib
import warnings
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

from typing_extensions import Self

from chatstore.core import codec, operations
from chatstore.core.backend.base import Backend
from chatstore.core.backend.plans import Plan
from chatstore.core.checks import check_count, check_key
from chatstore.core.errors import ConversationChangedError, InvalidArgumentError
from chatstore.core.memory.compaction import (
    SUMMARIZE_ATTEMPTS,
    AsyncSummarize,
    Draft,
    Policy,
    Summarize,
    read_draft,
    refuse_awaitable,
    store_summary,
)
from chatstore.core.memory.reading import WindowReader, WindowResult
from chatstore.core.memory.summaries import without_summaries
from chatstore.core.memory.window import Cut, check_cut
from chatstore.core.messages import ChatMessage
from chatstore.core.simple import SimpleChatStore
from chatstore.core.store import ChatStore, check_store
from chatstore.core.tokens import TokenCounter
from chatstore.core.tokens.overhead import count_overhead

_DEFAULT_KEY = "chat_history"  # LlamaIndex's
_EPOCH = "1970-01-01T00:00:00+00:00"


class TokenLimitWarning(UserWarning):
    """The newest exchange alone exceeds the token limit; it is returned whole."""


class ChatMemoryBuffer:
    """Keeps a conversation in a store and returns the newest part that fits a token limit.

    Providers accept every window: leading system and developer messages stay, followed by the
    newest turns, beginning with a user message; tool calls and their results are kept or left out
    together. Of a turn that is too long, the user's message and the newest exchanges stay. Reading
    a window costs the same at any length of the conversation.

    A window keeps its start for many turns, so that providers' prompt caches hit. The start
    depends on the conversation and the limit alone.
    """

    def __init__(
        self,
        token_limit: int = 3000,
        chat_store: ChatStore | None = None,
        chat_store_key: str | None = None,
        tokenizer_fn: Callable[[str], Sequence[object]] | None = None,
        model: str | None = None,
        *,
        cut: Cut = "steps",
        payload_fn: Callable[[ChatMessage], Any] | None = None,
    ) -> None:
        """Create a buffer; nothing is read yet.

        Args:
            token_limit: The most tokens of a window, at least 1.
            chat_store: The store; by default a new one in memory.
            chat_store_key: The conversation's key, such as the id of a user or a session.
                Required with a database, since otherwise all users would share a conversation; in
                memory, ``"chat_history"`` by default.
            tokenizer_fn: Returns the tokens of a text; by default tiktoken's ``o200k_base``.
            model: A model's name, whose tiktoken encoding is used instead.
            cut: ``"steps"``: the start of the window stays for many turns and then jumps; the
                window is at least 60 % full if more messages would fit. ``"sliding"``: the fullest
                window, whose start moves at nearly every turn.
            payload_fn: Returns what will be sent for a message, as JSON, or ``None`` if the
                message's own fields will be sent. For adapters that send a framework's own form
                of messages.

        Raises:
            InvalidArgumentError: ``token_limit`` is not a positive integer, ``cut`` is neither
                ``"steps"`` nor ``"sliding"``, ``chat_store`` is not a `ChatStore`, or
                ``chat_store_key`` is missing for a database.
            InvalidKeyError: ``chat_store_key`` is not a valid key.

        """
        self.token_limit = check_count(token_limit, "token_limit", least=1)
        self.chat_store: ChatStore = (
            SimpleChatStore() if chat_store is None else check_store(chat_store, "chat_store")
        )
        if chat_store_key is None:
            if not isinstance(self.chat_store, SimpleChatStore):
                raise InvalidArgumentError(
                    f"chat_store_key is required with a {type(chat_store).__name__}: without one, "
                    "all users of the database would share a conversation"
                )
            chat_store_key = _DEFAULT_KEY
        self.chat_store_key = check_key(chat_store_key)
        self._counter = TokenCounter(tokenizer_fn, model, payload_fn=payload_fn)
        self._seeds: list[ChatMessage] = []
        self.cut: Cut = check_cut(cut)
        self._reader = WindowReader(self._counter, self.cut)

    @classmethod
    def from_defaults(
        cls,
        token_limit: int = 3000,
        chat_store: ChatStore | None = None,
        chat_store_key: str | None = None,
        tokenizer_fn: Callable[[str], Sequence[object]] | None = None,
        chat_history: Iterable[ChatMessage] | None = None,
        model: str | None = None,
        *,
        cut: Cut = "steps",
        payload_fn: Callable[[ChatMessage], Any] | None = None,
    ) -> Self:
        """Create a buffer, with the first messages of an empty conversation.

        Args:
            token_limit: As for the constructor.
            chat_store: As for the constructor.
            chat_store_key: As for the constructor.
            tokenizer_fn: As for the constructor.
            chat_history: Added at the first use of the buffer if the conversation is empty; an
                existing conversation is never overwritten.
            model: As for the constructor.
            cut: As for the constructor.
            payload_fn: As for the constructor.

        """
        buffer = cls(
            token_limit,
            chat_store,
            chat_store_key,
            tokenizer_fn,
            model,
            cut=cut,
            payload_fn=payload_fn,
        )
        buffer._seeds = _with_ids(chat_history or [])
        return buffer

    def get(
        self,
        input: str | None = None,  # noqa: A002, ARG002
        initial_token_count: int = 0,
        *,
        overhead: Any = None,
    ) -> list[ChatMessage]:
        """Return the window, oldest first.

        Args:
            input: Not used; for compatibility with memories that search.
            initial_token_count: Tokens that are sent in addition, such as a prompt's; at most
                ``token_limit``.
            overhead: What is sent in addition, which reduces the window: a number of tokens, a
                prompt, tool definitions or messages in OpenAI's or Anthropic's form, a dict with
                the ``system``, ``instructions`` and ``tools`` of a request, or a list of these.

        Raises:
            InvalidArgumentError: ``initial_token_count`` is not an integer from 0 to
                ``token_limit``, ``overhead`` is a negative number, a fraction or a boolean, or
                ``tokenizer_fn`` failed.
            CorruptMessageError: A message cannot be read.

        Warns:
            TokenLimitWarning: The newest exchange alone does not fit; it is returned whole, behind
                the leading system messages and the user's message.

        """
        room = self._room(initial_token_count)
        self._counter.load()
        room -= count_overhead(self._counter, overhead)
        return self._checked(
            self.chat_store.run("memory.get", self._plan_get, self.chat_store_key, room)
        )

    async def async_get(
        self,
        input: str | None = None,  # noqa: A002, ARG002
        initial_token_count: int = 0,
        *,
        overhead: Any = None,
    ) -> list[ChatMessage]:
        """Like `get`, but awaitable."""
        room = self._room(initial_token_count)
        await self._async_load()
        room -= count_overhead(self._counter, overhead)
        return self._checked(
            await self.chat_store.async_run("memory.get", self._plan_get, self.chat_store_key, room)
        )

    def count(self, message: ChatMessage) -> int:
        """Return the tokens of a message, counted as for windows, without loading a vocabulary."""
        return self._counter.count(message)

    def count_text(self, text: str) -> int:
        """Return the tokens of a text, counted as for windows, without loading a vocabulary."""
        return self._counter.count_text(text)

    def count_json(self, value: Any) -> int:
        """Return the tokens of JSON, such as tool schemas, without loading a vocabulary.

        Each image, audio, video or file counts the same.
        """
        return self._counter.count_json(value)

    def compact(
        self,
        summarize: Summarize,
        *,
        above: int | None = None,
        keep: int | None = None,
        overhead: Any = None,
    ) -> ChatMessage | None:
        """Let windows use a summary instead of older turns, if there is much to send.

        The summary is stored behind the messages that it covers, which stay stored; call this
        before `get`. The newest turn is never summarized. Other clients may write or compact
        at the same time: nothing is lost, and the same messages get only one summary.

        Args:
            summarize: Returns a summary of messages, oldest first, the first of which is the
                summary before, if there is one. Text, or a model's answer, becomes a user message
                with a first line that says what it is. A user, system or developer message is
                stored as it is.
            above: Summarize if the pinned messages, ``overhead``, the newest summary and all later
                messages have more tokens than this; by default the ``token_limit``.
            keep: The most tokens of the newest turns that are not summarized; by default half of
                what ``above`` leaves beside the pinned messages and ``overhead``.
            overhead: What is sent in addition; see `get`.

        Returns:
            The summary, or ``None`` if nothing had to be summarized.

        Raises:
            InvalidArgumentError: ``above`` or ``keep`` is not an integer of at least 0,
                ``overhead`` is not valid, ``summarize`` is async, or ``tokenizer_fn`` failed.
            InvalidMessageError: ``summarize`` returned neither text nor a message, an empty one,
                or one with tool calls.
            ConversationChangedError: What the summary covers changed again and again.
            CorruptMessageError: A message cannot be read.

        """
        self._counter.load()
        policy = self._policy(above, keep, overhead)
        for _ in range(SUMMARIZE_ATTEMPTS):
            draft = self.chat_store.run(
                "memory.compact", self._plan_draft, self.chat_store_key, policy
            )
            if draft is None:
                return None
            made = summarize(draft.messages)
            refuse_awaitable(made)
            summary = self.chat_store.run(
                "memory.compact", store_summary, self.chat_store_key, draft, made
            )
            if summary is not None:
                return summary
        raise _changing()

    async def async_compact(
        self,
        summarize: AsyncSummarize,
        *,
        above: int | None = None,
        keep: int | None = None,
        overhead: Any = None,
    ) -> ChatMessage | None:
        """Like `compact`, but awaitable; ``summarize`` may be async."""
        await self._async_load()
        policy = self._policy(above, keep, overhead)
        for _ in range(SUMMARIZE_ATTEMPTS):
            draft = await self.chat_store.async_run(
                "memory.compact", self._plan_draft, self.chat_store_key, policy
            )
            if draft is None:
                return None
            made = summarize(draft.messages)
            if isinstance(made, Awaitable):
                made = await made
            summary = await self.chat_store.async_run(
                "memory.compact", store_summary, self.chat_store_key, draft, made
            )
            if summary is not None:
                return summary
        raise _changing()

    def get_all(self, *, with_summaries: bool = False) -> list[ChatMessage]:
        """Return the whole conversation, oldest first.

        Args:
            with_summaries: Include the summaries that `compact` stored, behind what they cover.

        """
        return self.chat_store.run(
            "memory.get_all", self._plan_get_all, self.chat_store_key, with_summaries
        )

    async def async_get_all(self, *, with_summaries: bool = False) -> list[ChatMessage]:
        """Like `get_all`, but awaitable."""
        return await self.chat_store.async_run(
            "memory.get_all", self._plan_get_all, self.chat_store_key, with_summaries
        )

    def put(self, message: ChatMessage) -> None:
        """Append a message; see `ChatStore.add_message`."""
        self.chat_store.run("memory.put", self._plan_put, self.chat_store_key, [message])

    async def async_put(self, message: ChatMessage) -> None:
        """Like `put`, but awaitable."""
        await self.chat_store.async_run(
            "memory.put", self._plan_put, self.chat_store_key, [message]
        )

    def put_messages(self, messages: Iterable[ChatMessage]) -> None:
        """Append messages; see `ChatStore.add_messages`."""
        self.chat_store.run("memory.put_messages", self._plan_put, self.chat_store_key, messages)

    async def async_put_messages(self, messages: Iterable[ChatMessage]) -> None:
        """Like `put_messages`, but awaitable."""
        await self.chat_store.async_run(
            "memory.put_messages", self._plan_put, self.chat_store_key, messages
        )

    def set(self, messages: Iterable[ChatMessage]) -> None:
        """Replace the conversation; see `ChatStore.set_messages`."""
        self.chat_store.set_messages(self.chat_store_key, messages)
        self._seeds = []

    async def async_set(self, messages: Iterable[ChatMessage]) -> None:
        """Like `set`, but awaitable."""
        await self.chat_store.async_set_messages(self.chat_store_key, messages)
        self._seeds = []

    def reset(self) -> None:
        """Delete the conversation."""
        self.chat_store.delete_messages(self.chat_store_key)
        self._seeds = []

    async def async_reset(self) -> None:
        """Like `reset`, but awaitable."""
        await self.chat_store.async_delete_messages(self.chat_store_key)
        self._seeds = []

    # LlamaIndex's names for the same methods.
    aget = async_get
    aget_all = async_get_all
    acompact = async_compact
    aput = async_put
    aput_messages = async_put_messages
    aset = async_set
    areset = async_reset

    # ------------------------------------------------------------------ copies

    def __copy__(self) -> Self:
        """Return a buffer over the same store."""
        copied = object.__new__(type(self))
        copied.__dict__.update(self.__dict__)
        return copied

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """Return a buffer over a deep copy of the store; a database's copy is the store itself."""
        copied = self.__copy__()
        memo[id(self)] = copied
        # Counters are immutable, and their functions may belong to objects that cannot be copied.
        shared = {"_counter", "_reader"}
        for name, value in self.__dict__.items():
            if name not in shared:
                setattr(copied, name, copy.deepcopy(value, memo))
        return copied

    def __getstate__(self) -> dict[str, Any]:
        """Return the state to pickle; the other process loads the vocabulary itself.

        Raises:
            TypeError: ``tokenizer_fn`` or ``payload_fn`` cannot be pickled, such as a lambda.

        """
        self._counter.check_pickles()
        return self.__dict__.copy()

    def _room(self, initial_token_count: int) -> int:
        room = self.token_limit - check_count(initial_token_count, "initial_token_count")
        if room < 0:
            raise InvalidArgumentError(
                f"initial_token_count is {initial_token_count}, above the token_limit of "
                f"{self.token_limit}: no message fits; raise token_limit or send less in addition"
            )
        return room

    def _policy(self, above: int | None, keep: int | None, overhead: Any) -> Policy:
        return Policy(
            self.token_limit if above is None else check_count(above, "above"),
            None if keep is None else check_count(keep, "keep"),
            count_overhead(self._counter, overhead),
        )

    async def _async_load(self) -> None:
        if not self._counter.loaded:
            import asyncio  # a sync program never loads it

            await asyncio.to_thread(self._counter.load)  # may wait for a download

    def _checked(self, window: WindowResult) -> list[ChatMessage]:
        if not window.fits:
            warnings.warn(
                f"the newest exchange exceeds the limit of {self.token_limit} tokens; "
                "it is returned whole",
                TokenLimitWarning,
                stacklevel=3,
            )
        return window.messages

    # ------------------------------------------------------------------ plans

    def _plan_get(self, backend: Backend[Any], key: str, room: int) -> Plan[Any, WindowResult]:
        yield from self._plan_seed(backend, key)
        return (yield from self._reader.read(backend, key, room))

    def _plan_get_all(
        self, backend: Backend[Any], key: str, with_summaries: bool
    ) -> Plan[Any, list[ChatMessage]]:
        yield from self._plan_seed(backend, key)
        messages = yield from operations.get_messages(backend, key, None)
        return messages if with_summaries else without_summaries(messages)

    def _plan_draft(
        self, backend: Backend[Any], key: str, policy: Policy
    ) -> Plan[Any, Draft | None]:
        yield from self._plan_seed(backend, key)
        return (yield from read_draft(backend, key, self._counter, policy))

    def _plan_put(
        self, backend: Backend[Any], key: str, messages: Iterable[ChatMessage]
    ) -> Plan[Any, None]:
        yield from self._plan_seed(backend, key)
        yield from operations.add_messages(backend, key, messages)

    def _plan_seed(self, backend: Backend[Any], key: str) -> Plan[Any, None]:
        if self._seeds:
            if (yield from backend.count(key)) == 0:
                # Two buffers may do this at once: the ids make the second one harmless.
                yield from operations.add_messages(backend, key, self._seeds)
            self._seeds = []


def _changing() -> ConversationChangedError:
    return ConversationChangedError(
        "messages were changed again and again while a summary of them was made; nothing was "
        "stored: try again"
    )


def _with_ids(messages: Iterable[ChatMessage]) -> list[ChatMessage]:
    """Return copies with ids that depend on index and content alone."""
    seeds = []
    for index, message in enumerate(messages):
        codec.encode(message, _EPOCH)  # refuses what is not a message, before it is copied
        sent = message.model_copy(update={"id": str(index), "metadata": {}})
        body = codec.encode(sent, _EPOCH).body
        digest = hashlib.blake2b(body.encode(), digest_size=16).hexdigest()
        message_id = message.id or f"seed-{digest}"
        seeds.append(message.model_copy(update={"id": message_id}, deep=True))
    return seeds
