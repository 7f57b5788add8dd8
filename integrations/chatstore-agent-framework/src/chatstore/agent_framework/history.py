"""``ChatStoreHistoryProvider``: the history of an agent's sessions in any store."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, TypeAlias

from agent_framework import AgentSession, HistoryProvider, Message, SessionContext, SupportsAgentRun

from chatstore.agent_framework.messages import to_agent_framework, to_messages
from chatstore.agent_framework.run_request import Request
from chatstore.agent_framework.saving import save_new
from chatstore.agent_framework.sending import sent_payload
from chatstore.agent_framework.stored import Stored, read_stored
from chatstore.core import (
    ChatMemoryBuffer,
    ChatMessage,
    ChatStore,
    ConversationExistsError,
)
from chatstore.core.checks import check_count, check_key, check_owner
from chatstore.core.keys import join_key
from chatstore.core.memory.compactor import Compactor, make_compactor
from chatstore.core.memory.spans import read_recent
from chatstore.core.memory.summaries import without_summaries
from chatstore.core.memory.window import Cut, check_cut
from chatstore.core.store import check_store

Summarize: TypeAlias = Callable[[list[Message]], Any]
"""Returns text or a message; it may be async."""

_REQUEST = "chatstore.request"
_COMPACT_ABOVE = 3000  # tokens, the default limit of windows


class ChatStoreHistoryProvider(HistoryProvider):
    """Keeps the messages of an agent's sessions in a store.

    A session is a conversation. Messages of earlier turns that a caller passes again are neither
    stored nor sent twice. Methods also raise what the store's methods raise.

    Attributes:
        source_id: The provider's name. Providers with different names keep separate histories of a
            session.
        token_limit: The most tokens that a run sends; ``None``: the whole history is sent.

    """

    DEFAULT_SOURCE_ID: ClassVar[str] = "chatstore"

    def __init__(
        self,
        store: ChatStore,
        source_id: str = DEFAULT_SOURCE_ID,
        *,
        token_limit: int | None = None,
        cut: Cut = "steps",
        summarize: Summarize | None = None,
        compact_above: int | None = None,
        tokenizer_fn: Callable[[str], Sequence[object]] | None = None,
        owner: str | Callable[[AgentSession], str | None] | None = None,
        key_fn: Callable[[str | None], str] | None = None,
        load_messages: bool = True,
        store_inputs: bool = True,
        store_context_messages: bool = False,
        store_context_from: set[str] | None = None,
        store_outputs: bool = True,
    ) -> None:
        """Create a provider; nothing is read yet.

        Args:
            store: Where the messages are kept; the provider does not close it.
            source_id: The provider's name, which is a part of the keys of its conversations.
            token_limit: Send only the newest part of the history, so that it has at most this many
                tokens together with instructions, tools and the new messages; see
                `chatstore.core.ChatMemoryBuffer`. The store keeps everything.
            cut: ``"steps"``: the start of this part stays for many turns, so that prompt caches
                hit; ``"sliding"``: the most that fits.
            summarize: Returns a summary of messages, as text or as a message; it may be async.
                Before a run, older turns are summarized if they have too many tokens; the originals
                stay stored. See `chatstore.core.ChatMemoryBuffer.compact`.
            compact_above: Summarize if the history has more tokens than this; by default the
                ``token_limit``, or 3,000 without one.
            tokenizer_fn: Returns the tokens of a text; by default tiktoken's ``o200k_base``.
            owner: Whose conversations these are, for ``list_conversations(owner=…)``, or a function
                that returns the owner of a session.
            key_fn: Returns the key of a session's conversation, such as to continue conversations
                of other frameworks; by default the ``source_id`` and the session's id, joined.
            load_messages: Read the history before a run.
            store_inputs: Store the messages that are passed to a run.
            store_context_messages: Store messages that other providers added to a run, too.
            store_context_from: Only from providers with these names.
            store_outputs: Store the agent's messages.

        Raises:
            InvalidArgumentError: ``store`` is not a `ChatStore`, ``source_id`` is empty,
                ``token_limit`` is not a positive integer, ``cut`` is neither ``"steps"`` nor
                ``"sliding"``, ``compact_above`` is given without ``summarize``, or ``owner`` is
                neither a valid owner nor a function.

        """
        join_key(source_id)
        super().__init__(
            source_id,
            load_messages=load_messages,
            store_inputs=store_inputs,
            store_context_messages=store_context_messages,
            store_context_from=store_context_from,
            store_outputs=store_outputs,
        )
        self.store = check_store(store)
        self.token_limit = (
            None if token_limit is None else check_count(token_limit, "token_limit", least=1)
        )
        self._cut: Cut = check_cut(cut)
        self._compactor: Compactor[Message] | None = make_compactor(
            summarize, compact_above, to_framework=to_agent_framework, to_messages=to_messages
        )
        self._tokenizer_fn = tokenizer_fn
        self._owner = owner if owner is None or callable(owner) else check_owner(owner)
        self._key_fn = key_fn

    def key_for(self, session_id: str | None) -> str:
        """Return the key of a session's conversation in the store.

        Without a session, it is a conversation of its own, which no session has.

        Raises:
            InvalidKeyError: ``session_id`` is empty or not Unicode.

        """
        if self._key_fn is not None:
            return check_key(self._key_fn(session_id))
        names = [self.source_id] if session_id is None else [self.source_id, session_id]
        return join_key(*names)

    async def get_messages(
        self,
        session_id: str | None,
        *,
        state: dict[str, Any] | None = None,
        **kwargs: Any,  # noqa: ARG002 - the framework's signature
    ) -> list[Message]:
        """Return the messages of a session, oldest first: all, or those that fit the limit.

        With ``summarize``, a summary stands for older messages.

        Raises:
            CorruptMessageError: A message cannot be read.

        Warns:
            TokenLimitWarning: The newest exchange alone does not fit; it is returned whole.

        """
        request = (state or {}).get(_REQUEST)
        key = self.key_for(session_id)
        if not isinstance(request, Request):
            return to_agent_framework(await self._read(key, None))
        if self.token_limit is None and self._compactor is None:
            messages = await self._read(key, None)
            request.stored = Stored(messages)
        else:
            # What is sent may be shorter than the transcript that a caller passes again.
            count = len(request.input)
            newest = await read_stored(self.store, key, count) if count > 1 else Stored()
            request.stored = newest
            overhead = None if self.token_limit is None else request.everything_else()
            messages = await self._read(key, overhead)
            request.stored = newest.preceded_by(messages)
        request.history = request.acceptable(messages)
        return to_agent_framework(request.history)

    async def save_messages(
        self,
        session_id: str | None,
        messages: Sequence[Message],
        *,
        state: dict[str, Any] | None = None,  # noqa: ARG002 - the framework's signature
        **kwargs: Any,  # noqa: ARG002 - the framework's signature
    ) -> None:
        """Append the messages that the session does not have, next to each other, or none.

        A message is recognized by its ``message_id``. Messages without ids are recognized if they
        repeat the end of the history and something new follows; content alone never identifies
        one.

        Raises:
            InvalidMessageError: JSON cannot hold a message.
            MessageTooLargeError: A message is above the store's limit.

        """
        await save_new(self.store, self.key_for(session_id), to_messages(messages))

    async def clear(self, session_id: str | None) -> None:
        """Delete the conversation of a session."""
        await self.store.async_delete_messages(self.key_for(session_id))

    async def before_run(
        self,
        *,
        agent: SupportsAgentRun,
        session: AgentSession,
        context: SessionContext,
        state: dict[str, Any],
    ) -> None:
        """Add the history to a run; remove from its input what the history has already.

        If a service keeps the session's history, too, it is not sent again.
        """
        request = Request.of(agent, context)
        if context.service_session_id is not None:
            key, count = self.key_for(context.session_id), len(context.input_messages)
            request.stored = await read_stored(self.store, key, count)
            request.history = request.stored.messages
        else:
            # The framework passes the state on to `get_messages`, and saves only the original.
            await super().before_run(
                agent=agent, session=session, context=context, state={**state, _REQUEST: request}
            )
        context.input_messages = request.new_input()

    async def after_run(
        self,
        *,
        agent: SupportsAgentRun,
        session: AgentSession,
        context: SessionContext,
        state: dict[str, Any],
    ) -> None:
        """Store the messages of a run, as the flags of the constructor say."""
        owner = self._owner(session) if callable(self._owner) else self._owner
        if owner is not None:
            await self._set_owner(self.key_for(context.session_id), owner)
        await super().after_run(agent=agent, session=session, context=context, state=state)

    async def _read(self, key: str, overhead: Any) -> list[ChatMessage]:
        if self._compactor is not None:
            await self._compactor.async_compact(self._buffer(key), overhead)
        if self.token_limit is not None:
            return await self._buffer(key).async_get(overhead=overhead)
        if self._compactor is not None:
            return list(await self.store.async_run("get_messages", read_recent, key))
        return without_summaries(await self.store.async_get_messages(key))

    def _buffer(self, key: str) -> ChatMemoryBuffer:
        return ChatMemoryBuffer(
            self.token_limit or _COMPACT_ABOVE,
            self.store,
            key,
            self._tokenizer_fn,
            cut=self._cut,
            payload_fn=sent_payload,
        )

    async def _set_owner(self, key: str, owner: str) -> None:
        """Set the owner before the first message: owners find all of their conversations."""
        conversation = await self.store.async_get_conversation(key)
        if conversation is None:
            try:
                await self.store.async_create_conversation(key, owner=owner)
            except ConversationExistsError:
                conversation = await self.store.async_get_conversation(key)
        if conversation is not None and conversation.owner is None:
            await self.store.async_update_conversation(key, owner=owner)
