"""Messages from Anthropic's format, and back unchanged; what the format lacks is not sent."""

from __future__ import annotations

import base64
import copy
from datetime import datetime, timezone
from typing import Any

import pytest
from anthropic.types import Message, TextBlock, ToolUseBlock, Usage
from generated_messages import JSON, TEXT, stored
from hypothesis import given
from hypothesis import strategies as st
from provider_types import check_anthropic

from chatstore.core import ChatMessage, from_anthropic, to_anthropic, to_openai
from chatstore.core.converters.originals import original_of
from chatstore.core.tool_calls import calls_of, results_of

TIME = datetime(2026, 11, 23, tzinfo=timezone.utc)
PDF = base64.b64encode(b"%PDF" * 100).decode()
CACHE = {"cache_control": {"type": "ephemeral"}}
words = TEXT.filter(str.strip)
cached = st.sampled_from([{}, CACHE])
text_parts = st.builds(lambda text, more: {"type": "text", "text": text, **more}, words, cached)
media = st.builds(
    lambda block, more: {**block, **more},
    st.sampled_from(
        [
            {"type": "image", "source": {"type": "url", "url": "https://example.org/a"}},
            {
                "type": "image",
                "source": {"type": "base64", "media_type": "image/webp", "data": PDF},
            },
            {
                "type": "document",
                "title": "t",
                "source": {"type": "base64", "media_type": "application/pdf", "data": PDF},
            },
            {
                "type": "document",
                "source": {"type": "text", "media_type": "text/plain", "data": "long " * 30},
                "citations": {"enabled": True},
            },
            {"type": "document", "source": {"type": "file", "file_id": "f"}},
        ]
    ),
    cached,
)
results = st.builds(
    lambda number, content, more: {
        "type": "tool_result",
        "tool_use_id": f"toolu_{number}",
        **content,
        **more,
    },
    st.integers(0, 9),
    st.just({}) | st.builds(dict, content=words | st.lists(text_parts | media, max_size=2)),
    st.sampled_from([{}, {"is_error": True}, {"is_error": False}, CACHE]),
)
questions = st.builds(
    lambda content: {"role": "user", "content": content},
    words
    | st.lists(text_parts | media, min_size=1, max_size=3)
    | st.builds(
        lambda first, rest: [*first, *rest],
        st.lists(results, min_size=1, max_size=2),
        st.lists(text_parts, max_size=1),
    ),
)
answers = st.builds(
    lambda content: {"role": "assistant", "content": content},
    words
    | st.lists(
        text_parts
        | st.builds(
            lambda text: {"type": "thinking", "thinking": text, "signature": "s"},
            words,
        )
        | st.sampled_from(
            [
                {"type": "redacted_thinking", "data": "x"},
                {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}},
                {"type": "text", "text": "cited", "citations": None},
            ]
        )
        | st.builds(
            lambda number, arguments, more: {
                "type": "tool_use",
                "id": f"toolu_{number}",
                "name": "f",
                "input": arguments,
                **more,
            },
            st.integers(0, 9),
            st.dictionaries(TEXT, JSON, max_size=2),
            cached,
        ),
        min_size=1,
        max_size=4,
    ),
)
systems = st.none() | words | st.lists(text_parts, min_size=1, max_size=2)


@given(st.lists(st.tuples(questions, answers), max_size=3), systems)
def test_requests_come_back_unchanged(pairs: Any, system: Any) -> None:
    messages = copy.deepcopy([message for pair in pairs for message in pair])
    blocks = [block for message in messages for block in message["content"]]
    calls = [block for block in blocks if isinstance(block, dict) and block["type"] == "tool_use"]
    for number, call in enumerate(calls):
        call["id"] = f"toolu_{number}"
    request = {"messages": messages, **({} if system is None else {"system": system})}

    taken = stored(from_anthropic(messages, system))

    assert to_anthropic(taken) == request
    assert len(taken) == len(messages) + (system is not None)
    to_openai(taken)


def test_common_fields_hold_what_others_can_read() -> None:
    question, answer, result = from_anthropic(
        [
            {"role": "user", "content": [{"type": "text", "text": "q"}]},
            {
                "role": "assistant",
                "content": [
                    {"type": "thinking", "thinking": "hm", "signature": "s"},
                    {"type": "tool_use", "id": "a", "name": "f", "input": {"x": 1}},
                ],
            },
            {
                "role": "user",
                "content": [
                    {
                        "type": "tool_result",
                        "tool_use_id": "a",
                        "content": [
                            {
                                "type": "image",
                                "source": {
                                    "type": "base64",
                                    "media_type": "image/png",
                                    "data": "AA==",
                                },
                            }
                        ],
                        "is_error": True,
                    }
                ],
            },
        ]
    )

    assert question.text == "q"
    assert [(call.id, call.name, call.arguments) for call in calls_of(answer)] == [
        ("a", "f", '{"x": 1}')
    ]
    [read] = results_of(result)
    assert read.id == "a"
    assert isinstance(read.content, list)
    assert read.content[0].model_dump(exclude_none=True) == {
        "type": "image",
        "data": "AA==",
        "media_type": "image/png",
    }
    assert original_of(answer, "anthropic") is None  # the common fields hold all of it


def test_responses_keep_their_ids_and_usage() -> None:
    response = Message(
        id="msg_1",
        content=[
            TextBlock(type="text", text="a"),
            ToolUseBlock(type="tool_use", id="t", name="f", input={"x": None}),
        ],
        model="claude",
        role="assistant",
        stop_reason="tool_use",
        type="message",
        usage=Usage(input_tokens=1, output_tokens=2),
    )
    whole, content = from_anthropic([response, {"role": "assistant", "content": response.content}])

    assert whole == content
    assert (whole.id, whole.metadata["model"]) == ("msg_1", "claude")
    assert whole.metadata["usage"] == {"input_tokens": 1, "output_tokens": 2}
    assert whole.metadata["stop_reason"] == "tool_use"
    assert to_anthropic([whole])["messages"] == [
        response.to_param()
        | {
            "content": [
                {"type": "text", "text": "a"},
                {"type": "tool_use", "id": "t", "name": "f", "input": {"x": None}},
            ]
        }
    ]


def test_long_data_are_stored_once() -> None:
    data = base64.b64encode(b"x" * 10_000).decode()
    source = {"type": "base64", "media_type": "application/pdf", "data": data}
    message = {"role": "user", "content": [{"type": "document", "source": source, **CACHE}]}

    taken = from_anthropic([message])

    assert taken[0].model_dump_json().count(data) == 1
    assert to_anthropic(stored(taken))["messages"] == [message]


def test_a_changed_message_is_sent_as_it_is_now() -> None:
    [message] = from_anthropic(
        [{"role": "user", "content": [{"type": "text", "text": "old", **CACHE}]}]
    )
    message.content = "new"

    assert to_anthropic([message])["messages"] == [{"role": "user", "content": "new"}]


def test_results_of_one_message_are_one_message() -> None:
    calls = [
        {"id": call_id, "type": "function", "function": {"name": "f", "arguments": "[1]"}}
        for call_id in ("functions.f:0", "b", "b")
    ]
    request = to_anthropic(
        [
            ChatMessage(role="developer", content="be brief"),
            ChatMessage(role="user", content="q"),
            ChatMessage(role="assistant", additional_kwargs={"tool_calls": calls}),
            *(
                ChatMessage(role="tool", content=text, additional_kwargs={"tool_call_id": call_id})
                for text, call_id in (("1", "functions.f:0"), ("2", "b"), ("3", "b"))
            ),
            ChatMessage(role="system", content="be kind"),
        ]
    )

    check_anthropic(request)
    _, call, answer = request["messages"]
    ids = [block["id"] for block in call["content"]]
    assert len(set(ids)) == 3
    assert [block["tool_use_id"] for block in answer["content"]] == ids
    assert call["content"][0]["input"] == {"arguments": [1]}
    assert [block["text"] for block in request["system"]] == ["be brief", "be kind"]


SEEN: Any = {"type": "text", "text": "x"}
URL = "https://example.org/a"


def message(role: Any, *blocks: Any, **fields: Any) -> ChatMessage:
    return ChatMessage(role=role, content=[*blocks, SEEN], **fields)


LACKS: dict[str, ChatMessage] = {
    "ids, times, metadata and names": message(
        "user", id="i", created_at=TIME, metadata={"a": 1}, additional_kwargs={"name": "Ann"}
    ),
    "any characters": message("user", {"type": "text", "text": " \n"}),
    "thinking without a signature": message("assistant", {"type": "thinking", "thinking": "hm"}),
    "audio and video": message(
        "user", {"type": "audio", "url": URL}, {"type": "video", "url": URL}
    ),
    "images other than JPEG": message(
        "user", {"type": "image", "data": "AAAA", "media_type": "image/tiff"}
    ),
    "documents other than PDF": message(
        "user", {"type": "document", "data": "AAAA", "media_type": "application/zip"}
    ),
    "media in messages of a model": message("model", {"type": "image", "url": URL}),
    "blocks of unknown types": message("user", {"type": "hologram"}),
}


@pytest.mark.parametrize("what", LACKS)
def test_what_the_format_lacks_is_not_sent(what: str) -> None:
    role = "user" if LACKS[what].role == "user" else "assistant"

    assert to_anthropic([LACKS[what]]) == {"messages": [{"role": role, "content": [SEEN]}]}
    assert what in " ".join((to_anthropic.__doc__ or "").split())


def test_empty_messages_are_not_sent() -> None:
    empty = [
        ChatMessage(role="user", content=" "),
        ChatMessage(role="assistant", content=""),
        ChatMessage(role="assistant", content=[{"type": "thinking", "thinking": "hm"}]),
        ChatMessage(role="system", content=" "),
    ]
    assert to_anthropic(empty) == {"messages": []}


def test_thinking_behind_the_text_is_not_sent() -> None:
    thinking = {"type": "thinking", "thinking": "hm", "signature": "s"}
    answer = ChatMessage(role="assistant", content=[SEEN, thinking])

    assert to_anthropic([answer])["messages"] == [{"role": "assistant", "content": [SEEN]}]


def test_results_answer_calls_that_are_returned_with_repeated_ids() -> None:
    call = {"type": "tool_use", "id": "x", "name": "t", "input": {}}
    call["cache_control"] = {"type": "ephemeral"}
    result = {"type": "tool_result", "tool_use_id": "x", "content": "1"}
    listed = 2 * [{"role": "assistant", "content": [call]}, {"role": "user", "content": [result]}]
    assert to_anthropic(from_anthropic(listed))["messages"] == listed
