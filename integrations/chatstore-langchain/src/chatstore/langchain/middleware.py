"""``ChatHistoryMiddleware``: saves an agent's conversation, and sends its model what fits."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from itertools import takewhile
from typing import Annotated, Any

from langchain.agents.middleware import AgentMiddleware, AgentState, ModelRequest, ModelResponse
from langchain.agents.middleware.types import PrivateStateAttr
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.utils.function_calling import convert_to_openai_tool
from langgraph.config import get_config
from langgraph.runtime import Runtime
from typing_extensions import NotRequired

from chatstore.core import ChatMemoryBuffer, ChatMessage, ChatStore, InvalidArgumentError
from chatstore.core.checks import check_count, check_key
from chatstore.core.memory.compactor import make_compactor
from chatstore.core.memory.summaries import is_summary
from chatstore.core.memory.window import Cut, accepted, check_cut
from chatstore.core.operations import (
    NewRecord,
    add_new_messages,
    check_new_record,
    write_with_record,
)
from chatstore.core.store import check_store
from chatstore.langchain.messages import to_langchain, to_messages
from chatstore.langchain.sending import payload_of, sendable, sent_payload


class HistoryState(AgentState[Any]):
    """An agent's state, with the last message that each middleware saved."""

    chatstore_last_saved: NotRequired[Annotated[dict[str, str], PrivateStateAttr]]


class ChatHistoryMiddleware(AgentMiddleware[HistoryState, Any, Any]):
    """Saves an agent's conversation in a store, and sends its model the newest part that fits.

    Pass it to ``create_agent(…, middleware=[…])``; a checkpointer is not needed. Messages are
    saved before each call of the model and at the end, each once, by its id. Tool calls are saved
    together with their results, so a run that fails leaves a conversation that a provider
    accepts. The window follows the rules of `chatstore.core.ChatMemoryBuffer`; the agent's system
    prompt and the schemas of its tools count towards the limit.
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
        cut: Cut = "steps",
        summarize: Callable[[list[BaseMessage]], Any] | None = None,
        compact_above: int | None = None,
        owner: str | Callable[[Runtime[Any]], str | None] | None = None,
        title: str | Callable[[list[BaseMessage]], str | None] | None = None,
    ) -> None:
        """Create a middleware; nothing is read yet.

        Args:
            store: Where conversations are kept; it is never closed.
            key: The conversation's key, or a function that returns it; by default the run's
                ``thread_id``, from ``config={"configurable": {"thread_id": …}}``.
            token_limit: The most tokens to send, at least 1: messages, system prompt and schemas.
                The newest exchange is sent even if it does not fit, with a `TokenLimitWarning`.
            tokenizer_fn: Returns the tokens of a text; by default tiktoken's ``o200k_base``.
            model: A model's name, whose tiktoken encoding is used instead.
            cut: ``"steps"``: the start stays for many turns, so that prompt caches hit;
                ``"sliding"``: the fullest window.
            summarize: Returns a summary of messages, as text or as a message; it may be async if
                the agent is called asynchronously. Before a call of the model, older turns are
                summarized if they take too many tokens. The summary is stored and sent instead of
                them; they stay stored. See `chatstore.core.ChatMemoryBuffer.compact`.
            compact_above: Summarize if more tokens than this would be sent; by default
                `token_limit`.
            owner: Whose new conversations are, for ``store.list_conversations(owner=…)``, or a
                function that returns it, such as ``lambda runtime: runtime.context.user_id``.
                Existing conversations keep their owner and title. It needs one more request in
                each save.
            title: The title of new conversations, or a function that makes it of the first
                messages.

        Raises:
            InvalidArgumentError: `store` is not a `ChatStore`, `token_limit` is not a positive
                integer, `cut` is neither ``"steps"`` nor ``"sliding"``, or `compact_above` is not
                an integer of at least 0, or is given without `summarize`; or `owner` or `title` is
                not valid, see `chatstore.core.ChatStore.create_conversation`.
            InvalidKeyError: `key` is not a string of 1 to 255 bytes in UTF-8.

        """
        super().__init__()
        self._store = check_store(store)
        self._key = check_key(key) if isinstance(key, str) else key
        self._token_limit = check_count(token_limit, "token_limit", least=1)
        self._tokenizer_fn = tokenizer_fn
        self._model = model
        self._cut: Cut = check_cut(cut)
        check_new_record(
            owner if isinstance(owner, str) else None, title if isinstance(title, str) else None
        )
        self._owner, self._title = owner, title
        self._compactor = make_compactor(
            summarize, compact_above, to_framework=to_langchain, to_messages=to_messages
        )

    def before_model(self, state: HistoryState, runtime: Runtime[Any]) -> dict[str, Any] | None:
        """Save the new messages."""
        return self._save(state, runtime)

    async def abefore_model(
        self, state: HistoryState, runtime: Runtime[Any]
    ) -> dict[str, Any] | None:
        """Like `before_model`, but awaitable."""
        return await self._async_save(state, runtime)

    def after_agent(self, state: HistoryState, runtime: Runtime[Any]) -> dict[str, Any] | None:
        """Save the answer."""
        return self._save(state, runtime)

    async def aafter_agent(
        self, state: HistoryState, runtime: Runtime[Any]
    ) -> dict[str, Any] | None:
        """Like `after_agent`, but awaitable."""
        return await self._async_save(state, runtime)

    def wrap_model_call(
        self,
        request: ModelRequest[Any],
        handler: Callable[[ModelRequest[Any]], ModelResponse[Any]],
    ) -> ModelResponse[Any] | AIMessage:
        """Send the window of the conversation."""
        buffer, overhead = self._buffer(request.runtime), _overhead(request, self.name)
        if self._compactor is not None:
            self._compactor.compact(buffer, overhead)
        window = buffer.get(overhead=overhead)
        return handler(request.override(messages=_merge(window, request, self.name)))

    async def awrap_model_call(
        self,
        request: ModelRequest[Any],
        handler: Callable[[ModelRequest[Any]], Awaitable[ModelResponse[Any]]],
    ) -> ModelResponse[Any] | AIMessage:
        """Like `wrap_model_call`, but awaitable."""
        buffer, overhead = self._buffer(request.runtime), _overhead(request, self.name)
        if self._compactor is not None:
            await self._compactor.async_compact(buffer, overhead)
        window = await buffer.async_get(overhead=overhead)
        return await handler(request.override(messages=_merge(window, request, self.name)))

    # Messages that other middleware changed after they were saved stay as they were saved.

    def _save(self, state: HistoryState, runtime: Runtime[Any]) -> dict[str, Any] | None:
        messages, last = _complete(_unsaved(state, self.name))
        if last is None:
            return None
        key, record = self._key_of(runtime), None
        if self._has_record and self._store.get_conversation(key) is None:
            record = self._new_record(state, runtime)
        run = self._store.run
        run("add_messages", write_with_record, key, record, add_new_messages, messages)
        return self._update(state, last)

    async def _async_save(
        self, state: HistoryState, runtime: Runtime[Any]
    ) -> dict[str, Any] | None:
        messages, last = _complete(_unsaved(state, self.name))
        if last is None:
            return None
        key, record = self._key_of(runtime), None
        if self._has_record and await self._store.async_get_conversation(key) is None:
            record = self._new_record(state, runtime)
        run = self._store.async_run
        await run("add_messages", write_with_record, key, record, add_new_messages, messages)
        return self._update(state, last)

    @property
    def _has_record(self) -> bool:
        return self._owner is not None or self._title is not None

    def _new_record(self, state: HistoryState, runtime: Runtime[Any]) -> NewRecord | None:
        """Return the record of a conversation that does not exist."""
        owner = self._owner(runtime) if callable(self._owner) else self._owner
        title = self._title(list(state["messages"])) if callable(self._title) else self._title
        return check_new_record(owner, title)

    def _update(self, state: HistoryState, last: str) -> dict[str, Any]:
        return {"chatstore_last_saved": {**state.get("chatstore_last_saved", {}), self.name: last}}

    def _buffer(self, runtime: Runtime[Any]) -> ChatMemoryBuffer:
        return ChatMemoryBuffer(
            self._token_limit,
            self._store,
            self._key_of(runtime),
            self._tokenizer_fn,
            self._model,
            cut=self._cut,
            payload_fn=sent_payload,
        )

    def _key_of(self, runtime: Runtime[Any]) -> str:
        if isinstance(self._key, str):
            return self._key
        if self._key is not None:
            return check_key(self._key(runtime))
        info = getattr(runtime, "execution_info", None)  # langgraph 1.1 and newer
        thread = info.thread_id if info else get_config().get("configurable", {}).get("thread_id")
        if thread is None:
            raise InvalidArgumentError(
                "the conversation has no key: pass key= to the middleware, or "
                'config={"configurable": {"thread_id": …}} to the agent'
            )
        return check_key(str(thread))


def _unsaved(state: HistoryState, name: str) -> list[BaseMessage]:
    """Return the messages after the last saved one, or all if that one was removed."""
    messages: list[BaseMessage] = list(state["messages"])
    last = state.get("chatstore_last_saved", {}).get(name)
    for index in range(len(messages) - 1, -1, -1):
        if messages[index].id == last:
            return messages[index + 1 :]
    return messages


def _complete(unsaved: Sequence[BaseMessage]) -> tuple[list[ChatMessage], str | None]:
    """Return the messages to save now, and the id of the last message that is done.

    Calls that may still be answered are left for a later save, unanswered ones are left out.
    """
    messages = to_messages(unsaved)
    is_complete = accepted(messages, newest=False)
    may_continue = accepted(messages, newest=True)
    open_calls = [
        index for index, complete in enumerate(is_complete) if may_continue[index] and not complete
    ]
    end = open_calls[0] if open_calls else len(messages)
    to_save = [
        message for message, complete in zip(messages[:end], is_complete, strict=False) if complete
    ]
    return to_save, unsaved[end - 1].id if end else None


def _overhead(request: ModelRequest[Any], name: str) -> list[Any]:
    """Return what is sent in addition to the window, as JSON; it reduces the window.

    That is the system prompt, schemas of tools and of the answer, and messages that are not
    stored or that other middleware has changed.
    """
    state: Any = request.state
    stored = {message.id: message for message in state["messages"]}
    for message in _unsaved(state, name):
        stored.pop(message.id, None)
    changed = [message for message in request.messages if stored.get(message.id) is not message]
    system = [] if request.system_message is None else [request.system_message]
    return [
        *map(payload_of, [*system, *changed]),
        *map(convert_to_openai_tool, request.tools),
        *_answer_schemas(request.response_format),
    ]


def _answer_schemas(response_format: Any) -> list[Any]:
    """Return the JSON schemas that are sent for a structured answer."""
    single = getattr(response_format, "schema_spec", None)
    specs = getattr(response_format, "schema_specs", [] if single is None else [single])
    return [spec.json_schema for spec in specs]


def _merge(window: Sequence[ChatMessage], request: ModelRequest[Any], name: str) -> list[Any]:
    """Return the window, with the run's messages as other middleware left them.

    Messages that are not saved yet, or that other middleware inserted, are sent if a provider
    accepts them.
    """
    state: Any = request.state
    saved = {message.id for message in state["messages"]} - {m.id for m in _unsaved(state, name)}
    too_old = saved - {message.id for message in window}
    of_run = {message.id for message in request.messages}
    before = to_langchain(message for message in window if message.id not in of_run)
    run = [message for message in request.messages if message.id not in too_old]
    pinned = {message.id for message in takewhile(lambda one: not is_summary(one), window)}
    if len(pinned) == len(window):
        return sendable([*before, *run])
    first = [message for message in run if message.id in pinned]
    rest = [message for message in run if message.id not in pinned]
    return sendable([*first, *before, *rest])
