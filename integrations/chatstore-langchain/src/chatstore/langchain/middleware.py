"""``ChatHistoryMiddleware``: keeps what an agent says, and sends its model what fits."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any

from langchain.agents.middleware import AgentMiddleware, AgentState, ModelRequest, ModelResponse
from langchain.agents.middleware.types import PrivateStateAttr
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.utils.function_calling import convert_to_openai_tool
from langgraph.config import get_config
from langgraph.runtime import Runtime
from typing_extensions import NotRequired

from chatstore.core import (
    ChatMemoryBuffer,
    ChatMessage,
    ChatStore,
    InvalidArgumentError,
    MessageConflictError,
)
from chatstore.core.checks import check_count, check_key
from chatstore.core.memory.window import accepted
from chatstore.langchain.history import check_store
from chatstore.langchain.messages import to_langchain, to_messages
from chatstore.langchain.sending import payload_of, sendable, sent_payload


class HistoryState(AgentState[Any]):
    """An agent's state, with how far it is kept."""

    chatstore_last_kept: NotRequired[Annotated[dict[str, str], PrivateStateAttr]]


class ChatHistoryMiddleware(AgentMiddleware[HistoryState, Any, Any]):
    """Keeps an agent's conversation in a store, and sends its model the newest part that fits.

    It is for ``create_agent(…, middleware=[…])``; no checkpointer is needed. Messages are kept
    before each call of the model and at the end, tool calls together with their results, so that
    what a run leaves behind that fails is a conversation that a provider accepts. Every message
    is kept once, by its id. What the model is sent follows the rules of
    `chatstore.core.ChatMemoryBuffer`: the agent's system prompt and the schemas of its tools count
    towards the limit.
    """

    state_schema = HistoryState

    def __init__(
        self,
        store: ChatStore,
        key: str | Callable[[Runtime[Any]], str] | None = None,
        *,
        token_limit: int = 3000,
        tokenizer_fn: Callable[[str], Sequence[object]] | None = None,
        model: str | None = None,
    ) -> None:
        """Make a middleware; nothing is read yet.

        Args:
            store: Where conversations are kept; it stays the caller's to close.
            key: The conversation's key, or a function that returns it; by default the run's
                ``thread_id``, of ``config={"configurable": {"thread_id": …}}``.
            token_limit: The most tokens that the model is sent, at least 1: messages, system
                prompt and schemas. The newest turn is sent even if these leave no room for it,
                with a `TokenLimitWarning`.
            tokenizer_fn: Returns the tokens of a text; by default tiktoken's ``o200k_base``.
            model: A model's name, whose tiktoken encoding is used instead.

        Raises:
            InvalidArgumentError: The store is not a `ChatStore`, or the limit is not a positive
                integer.
            InvalidKeyError: The key is not a string of 1 to 255 bytes in UTF-8.

        """
        super().__init__()
        self._store = check_store(store)
        self._key = check_key(key) if isinstance(key, str) else key
        self._token_limit = check_count(token_limit, "token_limit", least=1)
        self._tokenizer_fn = tokenizer_fn
        self._model = model

    def before_model(self, state: HistoryState, runtime: Runtime[Any]) -> dict[str, Any] | None:
        """Keep what was said since."""
        return self._keep(state, runtime)

    async def abefore_model(
        self, state: HistoryState, runtime: Runtime[Any]
    ) -> dict[str, Any] | None:
        """Like `before_model`, but awaitable."""
        return await self._async_keep(state, runtime)

    def after_agent(self, state: HistoryState, runtime: Runtime[Any]) -> dict[str, Any] | None:
        """Keep the answer."""
        return self._keep(state, runtime)

    async def aafter_agent(
        self, state: HistoryState, runtime: Runtime[Any]
    ) -> dict[str, Any] | None:
        """Like `after_agent`, but awaitable."""
        return await self._async_keep(state, runtime)

    def wrap_model_call(
        self,
        request: ModelRequest[Any],
        handler: Callable[[ModelRequest[Any]], ModelResponse[Any]],
    ) -> ModelResponse[Any] | AIMessage:
        """Send the window of the conversation."""
        window = self._buffer(request.runtime).get(besides=_besides(request, self.name))
        return handler(request.override(messages=_merged(window, request, self.name)))

    async def awrap_model_call(
        self,
        request: ModelRequest[Any],
        handler: Callable[[ModelRequest[Any]], Awaitable[ModelResponse[Any]]],
    ) -> ModelResponse[Any] | AIMessage:
        """Like `wrap_model_call`, but awaitable."""
        buffer = self._buffer(request.runtime)
        window = await buffer.async_get(besides=_besides(request, self.name))
        return await handler(request.override(messages=_merged(window, request, self.name)))

    def _keep(self, state: HistoryState, runtime: Runtime[Any]) -> dict[str, Any] | None:
        whole, last = _whole(_not_kept(state, self.name))
        if last is None:
            return None
        key = self._key_of(runtime)
        try:
            self._store.add_messages(key, whole)
        except MessageConflictError:  # other middleware has changed what is kept, which stays
            ids = {message.id for message in self._store.iter_messages(key)}
            self._store.add_messages(key, [one for one in whole if one.id not in ids])
        return self._kept(state, last)

    async def _async_keep(
        self, state: HistoryState, runtime: Runtime[Any]
    ) -> dict[str, Any] | None:
        whole, last = _whole(_not_kept(state, self.name))
        if last is None:
            return None
        key = self._key_of(runtime)
        try:
            await self._store.async_add_messages(key, whole)
        except MessageConflictError:
            ids = {message.id async for message in self._store.async_iter_messages(key)}
            await self._store.async_add_messages(key, [one for one in whole if one.id not in ids])
        return self._kept(state, last)

    def _kept(self, state: HistoryState, last: str) -> dict[str, Any]:
        return {"chatstore_last_kept": {**state.get("chatstore_last_kept", {}), self.name: last}}

    def _buffer(self, runtime: Runtime[Any]) -> ChatMemoryBuffer:
        return ChatMemoryBuffer(
            self._token_limit,
            self._store,
            self._key_of(runtime),
            self._tokenizer_fn,
            self._model,
            payload_fn=sent_payload,
        )

    def _key_of(self, runtime: Runtime[Any]) -> str:
        if isinstance(self._key, str):
            return self._key
        if self._key is not None:
            return check_key(self._key(runtime))
        info = getattr(runtime, "execution_info", None)  # of langgraph 1.1 and newer
        thread = info.thread_id if info else get_config().get("configurable", {}).get("thread_id")
        if thread is None:
            raise InvalidArgumentError(
                'no key: pass one, or config={"configurable": {"thread_id": …}} to the agent'
            )
        return check_key(str(thread))


def _not_kept(state: HistoryState, name: str) -> list[BaseMessage]:
    """Return the messages behind the last that was kept; all of them where that is gone."""
    messages: list[BaseMessage] = list(state["messages"])
    last = state.get("chatstore_last_kept", {}).get(name)
    for place in range(len(messages) - 1, -1, -1):
        if messages[place].id == last:
            return messages[place + 1 :]
    return messages


def _whole(new: Sequence[BaseMessage]) -> tuple[list[ChatMessage], str | None]:
    """Return what to keep, and the id of the last message that need not be looked at again.

    Calls that are not answered yet are left for later; those that never were are left out.
    """
    said = to_messages(new)
    keep = accepted(said, newest=False)
    going_on = accepted(said, newest=True)
    open_calls = [n for n, kept in enumerate(keep) if going_on[n] and not kept]
    end = open_calls[0] if open_calls else len(said)
    whole = [message for message, kept in zip(said[:end], keep, strict=False) if kept]
    return whole, new[end - 1].id if end else None


def _besides(request: ModelRequest[Any], name: str) -> list[Any]:
    """Return what is sent besides the window, as JSON: it takes room from the window.

    That is the system prompt, schemas of tools and of the answer, and messages that are not
    stored or that other middleware has changed.
    """
    state: Any = request.state
    stored = {message.id: message for message in state["messages"]}
    for message in _not_kept(state, name):
        stored.pop(message.id, None)
    changed = [one for one in request.messages if stored.get(one.id) is not one]
    system = [] if request.system_message is None else [request.system_message]
    return [
        *map(payload_of, [*system, *changed]),
        *map(convert_to_openai_tool, request.tools),
        *_answer_schemas(request.response_format),
    ]


def _answer_schemas(response_format: Any) -> list[Any]:
    """Return the JSON schemas that a model is sent for a structured answer."""
    one = getattr(response_format, "schema_spec", None)
    specs = getattr(response_format, "schema_specs", [] if one is None else [one])
    return [spec.json_schema for spec in specs]


def _merged(window: Sequence[ChatMessage], request: ModelRequest[Any], name: str) -> list[Any]:
    """Return the window, with the run's messages as other middleware has left them.

    Those that are not kept yet, or that other middleware put in, are sent if a provider accepts
    them.
    """
    state: Any = request.state
    kept = {message.id for message in state["messages"]} - {m.id for m in _not_kept(state, name)}
    too_old = kept - {message.id for message in window}
    of_the_run = {message.id for message in request.messages}
    before = to_langchain(message for message in window if message.id not in of_the_run)
    return sendable([*before, *(one for one in request.messages if one.id not in too_old)])
