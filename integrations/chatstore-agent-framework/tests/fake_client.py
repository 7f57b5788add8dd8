"""A chat client that answers with a function instead of a model, and records what it received."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeAlias

from agent_framework import (
    BaseChatClient,
    ChatMiddlewareLayer,
    ChatResponse,
    ChatResponseUpdate,
    Content,
    FunctionInvocationLayer,
    Message,
    ResponseStream,
)

Answer: TypeAlias = Callable[[Sequence[Message]], Message]


class FakeClient(
    FunctionInvocationLayer[Any],
    ChatMiddlewareLayer[Any],
    BaseChatClient[Any],
):
    """Answers with a function; the framework runs tools and middleware as with any client."""

    def __init__(self, answer: Answer, conversation_id: str | None = None) -> None:
        super().__init__()
        self.answer = answer
        self.conversation_id = conversation_id
        self.received: list[list[Message]] = []

    def _inner_get_response(
        self, *, messages: Sequence[Message], stream: bool, options: Mapping[str, Any], **_: Any
    ) -> Awaitable[ChatResponse] | ResponseStream[ChatResponseUpdate, ChatResponse]:
        self.received.append(list(messages))
        message = self.answer(messages)
        if stream:
            return ResponseStream(_updates(message), finalizer=ChatResponse.from_updates)
        return _response(message, self.conversation_id)


async def _response(message: Message, conversation_id: str | None) -> ChatResponse:
    return ChatResponse(messages=[message], conversation_id=conversation_id)


async def _updates(message: Message) -> AsyncIterator[ChatResponseUpdate]:
    for content in message.contents:
        yield ChatResponseUpdate(
            role="assistant", contents=[content], message_id=message.message_id
        )


def ask_weather(messages: Sequence[Message]) -> Message:
    """Act as the model: ask the tool about the cities that the user names, then repeat results."""
    last = messages[-1]
    results = [
        str(part.result)
        for message in messages[-2:]
        for part in message.contents
        if part.type == "function_result"
    ]
    if results and last.role == "tool":
        return Message("assistant", [" and ".join(results)])
    calls = [
        Content.from_function_call(
            f"call-{len(messages)}" + "b" * number, "weather", arguments={"city": city}
        )
        for number, city in enumerate(last.text.split(" and "))
    ]
    return Message("assistant", calls)


def outline(messages: Sequence[Message]) -> list[Any]:
    """Return role and contents of messages, in short."""
    return [
        [message.role, *(_outline(content) for content in message.contents)] for message in messages
    ]


def _outline(content: Content) -> str:
    if content.type == "function_call":
        return f"{content.call_id}: {content.name}({content.parse_arguments()})"
    if content.type == "function_result":
        return f"{content.call_id}= {content.result}"
    return str(content.text)
