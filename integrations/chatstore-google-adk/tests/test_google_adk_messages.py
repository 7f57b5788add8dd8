"""Events are messages that every framework reads, and ADK reads the messages of others."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncGenerator
from typing import Any

import pytest
from google.adk.agents import LlmAgent
from google.adk.events.event import Event
from google.adk.events.event_actions import EventActions
from google.adk.models.base_llm import BaseLlm
from google.adk.models.llm_request import LlmRequest
from google.adk.models.llm_response import LlmResponse
from google.adk.runners import Runner
from google.genai import types
from google_adk_events import ONE, USER, says

from chatstore.core import (
    ChatMessage,
    InvalidMessageError,
    SimpleChatStore,
    from_openai,
    to_anthropic,
    to_openai,
)
from chatstore.google_adk import ChatStoreSessionService, session_key, to_events, to_messages

PICTURE = base64.b64encode(b"picture").decode()
CALLS = [
    {
        "id": "",
        "type": "function",
        "function": {"name": "weather", "arguments": '{"city": "Oslo"}'},
    },
    {"id": "c", "type": "function", "function": {"name": "time", "arguments": "now"}},
]
OTHERS = [
    ChatMessage(role="system", content="Be brief."),
    ChatMessage(
        role="user",
        content=[
            {"type": "text", "text": "Compare."},
            {"type": "image", "data": PICTURE, "media_type": "image/png"},
            {
                "type": "document",
                "url": "https://example.com/a.pdf",
                "media_type": "application/pdf",
            },
        ],
    ),
    ChatMessage(
        role="assistant",
        content=[{"type": "thinking", "thinking": "hm", "signature": "/w=="}],
        additional_kwargs={"tool_calls": CALLS},
    ),
    ChatMessage(role="tool", content="rain", additional_kwargs={"name": "weather"}),
    ChatMessage(role="tool", content='{"hour": 7}', additional_kwargs={"tool_call_id": "c"}),
    ChatMessage(role="assistant", content=None),
    ChatMessage(role="assistant", content="It rains."),
]


class Model(BaseLlm):
    """Answers, and records what it receives."""

    model: str = "fake"
    received: list[Any] = []  # noqa: RUF012 - pydantic copies it

    async def generate_content_async(
        self, llm_request: LlmRequest, stream: bool = False
    ) -> AsyncGenerator[LlmResponse, None]:
        self.received.extend(
            content.model_dump(exclude_none=True) for content in llm_request.contents
        )
        yield LlmResponse(content=types.Content(role="model", parts=[types.Part(text="Bye.")]))


def weather(city: str) -> str:
    """Tell the weather of a city."""
    return city


@pytest.mark.filterwarnings("ignore:.EXPERIMENTAL:UserWarning")  # older versions of ADK
def test_an_agent_continues_the_conversation_of_others() -> None:
    async def run() -> list[Any]:
        store = SimpleChatStore()
        store.add_messages(session_key(**ONE), OTHERS)
        model = Model()
        runner = Runner(
            app_name="app",
            agent=LlmAgent(name="guide", model=model, tools=[weather]),
            session_service=ChatStoreSessionService(store),
        )
        bye = types.Content(role="user", parts=[types.Part(text="Thanks.")])
        async for _ in runner.run_async(user_id="ann", session_id="1", new_message=bye):
            pass
        assert [message.role.value for message in store.get_messages(session_key(**ONE))][-2:] == [
            "user",
            "assistant",
        ]
        return model.received

    received = asyncio.run(run())
    contents = [(content["role"], content["parts"]) for content in received]
    unnamed = contents[1][1][0]["function_call"]["id"]
    assert unnamed
    assert contents == [
        (
            "user",
            [
                {"text": "Compare."},
                {"inline_data": {"data": b"picture", "mime_type": "image/png"}},
                {
                    "file_data": {
                        "file_uri": "https://example.com/a.pdf",
                        "mime_type": "application/pdf",
                    }
                },
            ],
        ),
        (
            "model",
            [
                {"function_call": {"id": unnamed, "name": "weather", "args": {"city": "Oslo"}}},
                {"function_call": {"id": "c", "name": "time", "args": {"arguments": "now"}}},
            ],
        ),
        (
            "user",
            [
                {
                    "function_response": {
                        "id": unnamed,
                        "name": "weather",
                        "response": {"result": "rain"},
                    }
                },
                {"function_response": {"id": "c", "name": "time", "response": {"hour": 7}}},
            ],
        ),
        ("model", [{"text": "It rains."}]),
        ("user", [{"text": "Thanks."}]),
    ]


def test_messages_in_the_forms_of_providers_are_read() -> None:
    """Media keep the form in which a provider's message contains them."""
    image = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PICTURE}"}}
    document = {"type": "document", "data": PICTURE}
    damaged = {"type": "image", "data": "!"}
    text = {"type": "text", "text": "no"}
    content = [text, image, document, damaged]
    result = {"type": "tool_result", "tool_use_id": "c", "is_error": True, "content": content}
    messages = [
        from_openai({"role": "user", "content": [image]}),
        from_openai({"role": "assistant", "refusal": "No."}),
        ChatMessage(role="user", content=[result, document, damaged]),
    ]

    question, refusal, response = (event.content for event in to_events(messages))

    png = types.Part.from_bytes(data=b"picture", mime_type="image/png")
    pdf = types.Part.from_bytes(data=b"picture", mime_type="application/pdf")
    assert question == types.Content(role="user", parts=[png])
    assert refusal == types.Content(role="model", parts=[types.Part(text="No.")])
    assert response
    assert response.parts
    responded, own = response.parts
    assert own == pdf
    assert responded.function_response
    assert responded.function_response.response == {"error": "no"}
    assert responded.function_response.parts
    media = [part.inline_data for part in responded.function_response.parts]
    assert [(one.mime_type, one.data) for one in media if one] == [
        ("image/png", b"picture"),
        ("application/pdf", b"picture"),
    ]


def test_others_read_what_adk_wrote() -> None:
    def model(*parts: types.Part) -> Event:
        return Event(author="guide", content=types.Content(role="model", parts=list(parts)))

    def responds(*results: tuple[str, dict[str, Any]]) -> Event:
        parts = [
            types.Part(function_response=types.FunctionResponse(id=key, name="f", response=value))
            for key, value in results
        ]
        return Event(author="guide", content=types.Content(role="user", parts=parts))

    def call(key: str, **args: Any) -> types.Part:
        return types.Part(function_call=types.FunctionCall(id=key, name="f", args=args))

    image = types.Part.from_bytes(data=b"picture", mime_type="image/png")
    question = Event(author="user", content=types.Content(parts=[types.Part(text="Look."), image]))
    events = [
        question,
        Event(author="user", actions=EventActions(state_delta={"k": 1})),
        model(types.Part(text="hm", thought=True), call("a", x=1), call("b")),
        responds(("a", {"result": "one"}), ("b", {"error": "no", "at": [2]})),
        model(call("c")),
        responds(("c", {"result": 3})),
        model(types.Part(text="Done.")),
    ]
    messages = to_messages(events)
    assert [message.id for message in messages] == [event.id for event in events]
    assert to_events(messages) == events
    sent = to_openai(messages)
    assert [(item["role"], item.get("tool_call_id")) for item in sent] == [
        ("user", None),
        ("assistant", None),
        ("tool", "a"),
        ("tool", "b"),
        ("assistant", None),
        ("tool", "c"),
        ("assistant", None),
    ]
    assert [item["content"] for item in sent if item["role"] == "tool"] == [
        "one",
        '{"error": "no", "at": [2]}',
        "3",
    ]
    assert [call["function"] for call in sent[1]["tool_calls"]] == [
        {"name": "f", "arguments": '{"x": 1}'},
        {"name": "f", "arguments": "{}"},
    ]
    assert PICTURE in str(sent[0]["content"])


@pytest.mark.parametrize(("signature", "text"), [(b"\xff\xfe", "//4="), (b"EpAB", "EpAB")])
def test_signatures_are_read_as_their_model_wrote_them(signature: bytes, text: str) -> None:
    """Gemini's are bytes; ADK's Claude encodes the text of Anthropic's."""
    thought = types.Part(text="hm", thought=True, thought_signature=signature)
    parts = [thought, types.Part(text="Done.")]
    event = Event(author="guide", content=types.Content(role="model", parts=parts))

    messages = to_messages([event])

    sent = to_anthropic(messages)["messages"][0]["content"]
    assert sent[0] == {"type": "thinking", "thinking": "hm", "signature": text}
    assert to_events(messages) == [event]


def test_a_message_that_was_edited_elsewhere_wins() -> None:
    [message] = to_messages([says("helo", id="e", timestamp=5)])
    edited = message.model_copy(update={"content": "hello"})
    answer = ChatMessage(role="assistant", content="Hi.", id="a")
    events = to_events([edited, answer])
    assert [(event.id, event.author, event.invocation_id) for event in events] == [
        ("e", "user", "e"),
        ("a", "user", "e"),
    ]
    assert events[0].content == says("hello").content
    assert events[0].timestamp == 5
    assert to_events([edited, answer], agent_name="guide")[1].author == "guide"


def test_what_json_cannot_hold_is_refused() -> None:
    response = types.FunctionResponse(name="f", response={"x": object()})
    content = types.Content(role="user", parts=[types.Part(function_response=response)])
    for event in (
        Event(author="user", content=content),
        says("x", timestamp=1e30),
        says("x", timestamp=float("nan")),
    ):
        with pytest.raises(InvalidMessageError, match="JSON cannot hold"):
            to_messages([event])
    with pytest.raises(InvalidMessageError, match=r"not dict"):
        to_messages([{"content": "hi"}])  # type: ignore[list-item]


def test_a_summary_is_not_an_event() -> None:
    async def run() -> None:
        store = SimpleChatStore()
        service = ChatStoreSessionService(store)
        session = await service.create_session(**ONE)
        event = says("hello")
        await service.append_event(session, event)
        covered = {"summary_of": {"first": event.id, "last": event.id}}
        store.add_message(
            session_key(**ONE), ChatMessage(role="user", content="Greetings.", metadata=covered)
        )
        stored = await service.get_session(**USER, session_id="1")
        assert stored is not None
        assert stored.events == [event]

    asyncio.run(run())
