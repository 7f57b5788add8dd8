"""Pydantic AI: its store in memory, and what its agent sends to the model."""

from __future__ import annotations

from typing import Any

from pydantic_ai import Agent
from pydantic_ai.conversation import Conversation
from pydantic_ai.conversation_store import ConversationConflict, InMemoryConversationStore
from pydantic_ai.messages import (
    BinaryContent,
    ModelRequest,
    ModelResponse,
    TextPart,
    ToolCallPart,
    ToolReturnPart,
    UserPromptPart,
)
from pydantic_ai.models.function import FunctionModel

from comparison.adapters.adapter import Adapter, Loops, Message


class Conversations(Adapter):
    """The only store that ships; an append loads the newest message and saves."""

    def __init__(self, url: str, ttl: float | None) -> None:
        """See `Adapter`."""
        super().__init__(url, ttl)
        self.store = InMemoryConversationStore()
        self._run = Loops()

    def append(self, key: str, message: Message) -> None:
        """See `Adapter`."""
        self._run(self._save(key, [_to_native(message)]))

    def write_many(self, key: str, messages: list[Message]) -> None:
        """See `Adapter`."""
        self._run(self._save(key, [_to_native(message) for message in messages]))

    async def _save(self, key: str, messages: list[Any]) -> None:
        while True:  # as the documentation of ConversationConflict says
            stored = await self.store.load(key, limit=1)
            conversation = stored or Conversation(conversation_id=key)
            conversation.messages.extend(messages)
            try:
                await self.store.save(conversation)
            except ConversationConflict:
                continue
            return

    async def _load(self, key: str, limit: int | None = None) -> list[Any]:
        stored = await self.store.load(key, limit=limit)
        return [] if stored is None else stored.messages

    def read(self, key: str) -> list[Message]:
        """See `Adapter`."""
        return [_from_native(message) for message in self._run(self._load(key))]

    def recent(self, key: str) -> object:
        """See `Adapter`."""
        return self._run(self._load(key, 20))

    def window(self, key: str, messages: list[Message], limit: int) -> list[Message]:
        """Return what the model receives in a run that loads this many messages."""
        self.write_many(key, messages[:-1])
        sent: list[Any] = []

        def answer(received: list[Any], _: Any) -> ModelResponse:
            sent.extend(received)
            return ModelResponse(parts=[TextPart("answer")])

        async def run() -> None:
            conversation = await self.store.load(key, limit=limit)
            agent = Agent(FunctionModel(answer))
            await agent.run(messages[-1]["text"], conversation=conversation)

        self._run(run())
        return [
            _from_part(part, message)
            for message in sent
            for part in message.parts
            if not (isinstance(part, ToolCallPart) and part is not message.parts[0])
        ]

    def samples(self) -> dict[str, Any]:
        """See `Adapter`."""
        image = BinaryContent(b"\x89PNG", media_type="image/png")
        call = ToolCallPart("f", {"x": 1}, tool_call_id="c1")
        return {
            "text": ModelRequest([UserPromptPart("Grüße 🙂\n\ttab")]),
            "empty": ModelResponse([TextPart("")]),
            "tool call": ModelResponse([call]),
            "tool result": ModelRequest([ToolReturnPart("f", "5", tool_call_id="c1")]),
            "image": ModelRequest([UserPromptPart(["x", image])]),
            "numbers": ModelRequest([UserPromptPart("x")], metadata={"x": 0.1, "y": 2**53 + 1}),
            "metadata": ModelResponse([TextPart("x")], metadata={"a": {"b": [1]}}),
            "NUL": ModelRequest([UserPromptPart("a\0b")]),
        }

    def put_sample(self, key: str, sample: Any) -> None:
        """See `Adapter`."""
        self._run(self._save(key, [sample]))

    def get_sample(self, key: str) -> Any:
        """See `Adapter`."""
        return self._run(self._load(key))[0]


def _to_native(message: Message) -> Any:
    metadata = {"id": message.get("id")}
    if message["role"] == "assistant":
        parts: list[Any] = [ToolCallPart("f", {}, call) for call in message.get("calls") or ()]
        return ModelResponse(parts or [TextPart(message["text"])], metadata=metadata)
    if message["role"] == "tool":
        part: Any = ToolReturnPart("f", message["text"], tool_call_id=message["call"])
    else:
        part = UserPromptPart(message["text"])
    return ModelRequest([part], metadata=metadata)


def _from_native(message: Any) -> Message:
    return _from_part(message.parts[0], message)


def _from_part(part: Any, message: Any) -> Message:
    calls = [item.tool_call_id for item in message.parts if isinstance(item, ToolCallPart)]
    neutral: Message = {"id": (message.metadata or {}).get("id"), "calls": calls, "call": None}
    if isinstance(part, ToolReturnPart):
        return {**neutral, "role": "tool", "text": part.content, "call": part.tool_call_id}
    role = "assistant" if isinstance(message, ModelResponse) else "user"
    return {**neutral, "role": role, "text": getattr(part, "content", "")}


make = Conversations
