"""Messages from OpenAI's format, and back unchanged."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from chatstore.core import (
    ChatMemoryBuffer,
    ChatMessage,
    InvalidMessageError,
    ToolCallBlock,
    from_openai,
    to_openai,
)
from chatstore.core.codec import decode, encode

NOW = "2026-11-23T00:00:00+00:00"
CALL = {"id": "1", "type": "function", "function": {"name": "f", "arguments": '{"x": 1}'}}
PICTURE = {"type": "image_url", "image_url": {"url": "https://example.org/a.png", "detail": "low"}}


@pytest.mark.parametrize(
    "message",
    [
        {"role": "system", "content": "Be brief."},
        {"role": "developer", "content": "Be brief."},
        {"role": "user", "content": "a", "name": "Ann"},
        {"role": "user", "content": [{"type": "text", "text": "a"}, PICTURE]},
        {"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": "AA=="}}]},
        {"role": "user", "content": [{"type": "file", "file": {"file_id": "f"}}]},
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
        {"role": "assistant", "content": None, "refusal": "no", "audio": None},
        {"role": "assistant", "content": [{"type": "refusal", "refusal": "no"}]},
        {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": ""}},
        {"role": "tool", "content": "", "tool_call_id": "1"},
        {"role": "function", "content": "1", "name": "f"},
        {"role": "user", "content": ""},
        {"role": "assistant", "tool_calls": [CALL]},
        {
            "role": "user",
            "content": [{"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}}],
        },
    ],
    ids=json.dumps,
)
def test_round_trip_is_exact(message: Any) -> None:
    assert to_openai([from_openai(message)]) == [message]


strings = st.text(st.characters(exclude_categories=["Cs"]), max_size=9)
numbers = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
values = st.recursive(
    st.none() | st.booleans() | numbers | strings,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(strings, inner, max_size=3),
    max_leaves=8,
)

OWN = {
    "role",
    "content",
    "chatstore.payload",
    "type",
    "text",
    "tool_calls",
    "function_call",
    "__class__",
}
OUR_KINDS = {
    *("image", "audio", "video", "document", "thinking", "text"),
    *("tool_call", "tool_use", "tool_result", "function_call", "function_call_output"),
    *("redacted_thinking", "reasoning", "image_url", "input_audio", "file", "refusal"),
}
fields = st.dictionaries(strings.filter(lambda name: name not in OWN), values, max_size=3)
parts = (
    st.builds(lambda text, more: {"type": "text", "text": text, **more}, strings, fields)
    | st.builds(lambda url: {"type": "image_url", "image_url": {"url": url}}, strings)
    | st.builds(lambda data: {"type": "input_audio", "input_audio": {"data": data}}, strings)
    | st.builds(
        lambda kind, more: {"type": kind, **more},
        strings.filter(lambda kind: kind not in OUR_KINDS),
        fields,
    )
)
calls = st.lists(
    st.builds(
        lambda identity, name, arguments: {
            "id": identity,
            "type": "function",
            "function": {"name": name, "arguments": arguments},
        },
        strings.filter(bool),
        strings,
        strings,
    ),
    min_size=1,
    max_size=3,
    unique_by=lambda call: call["id"],
)
names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=9)
text_parts = st.builds(lambda text, more: {"type": "text", "text": text, **more}, names, fields)
contents = strings | st.lists(text_parts, min_size=1, max_size=3)
openai_messages = (
    st.builds(
        lambda role, content, rest: {**rest, "role": role, "content": content},
        st.sampled_from(["system", "developer"]),
        contents,
        fields,
    )
    | st.builds(
        lambda content, rest: {**rest, "role": "user", "content": content},
        strings | st.lists(parts, min_size=1, max_size=3),
        fields,
    )
    | st.builds(
        lambda content, rest, more: {**rest, **more, **content, "role": "assistant"},
        st.just({}) | st.builds(dict, content=st.none() | contents),
        fields,
        st.fixed_dictionaries(
            {"refusal": names},
            optional={"name": strings, "audio": st.none() | st.just({"id": "audio_1"})},
        )
        | st.fixed_dictionaries({"tool_calls": calls})
        | st.just({"function_call": {"name": "f", "arguments": "{}"}}),
    )
    | st.builds(
        lambda content, rest, call: {**rest, "role": "tool", "content": content, **call},
        contents,
        fields,
        st.builds(dict, tool_call_id=names),
    )
    | st.builds(
        lambda text, name: {"role": "function", "content": text, "name": name}, strings, names
    )
)


@given(openai_messages)
def test_round_trip_of_anything_that_openai_accepts(message: Any) -> None:
    taken = from_openai(message)

    assert to_openai([taken]) == [message]
    assert to_openai([decode("k", 0, encode(taken, NOW).body)]) == [message]


def test_what_frameworks_keep_is_not_sent() -> None:
    message = from_openai({"role": "user", "content": "a", "chatstore.payload": {"x": 1}})

    assert message.additional_kwargs == {"chatstore.payload": {"x": 1}}
    assert to_openai([message]) == [{"role": "user", "content": "a"}]


def test_our_blocks_become_openais_parts() -> None:
    asking = ChatMessage(
        role="user",
        content=[
            {"type": "text", "text": "a"},
            {"type": "image", "data": "AAAA", "media_type": "image/jpeg", "name": "a.jpg"},
            {"type": "audio", "data": "AAAA", "media_type": "audio/mpeg"},
            {"type": "document", "data": "AAAA", "media_type": "text/csv", "name": "a.csv"},
        ],
    )
    answering = ChatMessage(
        role="model",
        content=[
            {"type": "text", "text": "a"},
            ToolCallBlock(id="1", name="f", arguments={"x": "é"}),
        ],
    )

    assert to_openai([asking, answering]) == [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "a"},
                {"type": "image_url", "image_url": {"url": "data:image/jpeg;base64,AAAA"}},
                {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "mp3"}},
                {
                    "type": "file",
                    "file": {"filename": "a.csv", "file_data": "data:text/csv;base64,AAAA"},
                },
            ],
        },
        {
            "role": "assistant",
            "content": [{"type": "text", "text": "a"}],
            "tool_calls": [
                {
                    "id": "1",
                    "type": "function",
                    "function": {"name": "f", "arguments": '{"x": "é"}'},
                }
            ],
        },
    ]


@pytest.mark.parametrize("message", [{}, {"content": "a"}, {"role": "alien"}, {"role": None}])
def test_a_message_of_no_known_role_is_refused(message: Any) -> None:
    with pytest.raises(ValidationError):
        from_openai(message)


def test_the_callers_dict_is_not_shared() -> None:
    message: dict[str, Any] = {"role": "assistant", "content": None, "tool_calls": [dict(CALL)]}
    taken = from_openai(message)
    message["tool_calls"].append("x")

    assert taken.additional_kwargs["tool_calls"] == [CALL]


def test_a_frameworks_own_form_is_not_sent() -> None:
    message = ChatMessage(
        role="user", content="a", additional_kwargs={"chatstore.payload": {"f": {}}}
    )

    assert to_openai([message]) == [{"role": "user", "content": "a"}]


def test_a_call_in_two_forms_is_one_call() -> None:
    message = ChatMessage(
        role="assistant",
        content=[
            {"type": "thinking", "thinking": "hm"},
            ToolCallBlock(id="1", name="f", arguments={"x": 1}),
            {"type": "tool_use", "id": "2", "name": "g", "input": {}},
        ],
        additional_kwargs={"tool_calls": [CALL]},
    )

    [turned] = to_openai([message])
    assert turned["content"] is None
    assert [call["id"] for call in turned["tool_calls"]] == ["1", "2"]


def result(identity: Any, content: Any, **more: Any) -> Any:
    return {"type": "tool_result", "tool_use_id": identity, "content": content, **more}


IMAGE = {"type": "image", "data": "AAAA", "media_type": "image/png"}
TEXT: Any = {"type": "text", "text": "x"}
TIME = datetime(2026, 11, 23, tzinfo=timezone.utc)


def test_results_in_blocks_become_tool_messages() -> None:
    two = [
        {"id": "", "type": "function", "function": {"name": name, "arguments": "{}"}}
        for name in "fg"
    ]
    messages = [
        ChatMessage(role="user", content="q"),
        ChatMessage(role="assistant", content=[{"type": "thinking", "thinking": "hm"}]),
        ChatMessage(role="assistant", additional_kwargs={"tool_calls": two}),
        ChatMessage(
            role="user",
            content=[
                result("", "sun"),
                result("", [IMAGE]),
                {"type": "text", "text": "and now?"},
            ],
        ),
        ChatMessage(role="assistant", content="fine"),
    ]

    turned = to_openai(messages)

    assert [message["role"] for message in turned] == [
        *("user", "assistant", "tool", "tool", "user", "user", "assistant"),
    ]
    ids = [call["id"] for call in turned[1]["tool_calls"]]
    assert len(set(ids)) == 2
    assert [message["tool_call_id"] for message in turned[2:4]] == ids
    assert turned[2]["content"] == "sun"
    assert turned[4]["content"][0]["type"] == "image_url"
    assert turned[5]["content"] == [{"type": "text", "text": "and now?"}]
    assert to_openai([]) == []
    assert two[0]["id"] == ""


def test_repeated_ids_become_unique() -> None:
    messages: list[dict[str, Any]] = [
        {"role": "assistant", "content": None, "tool_calls": [{**CALL, "id": "w"}] * 2},
        {"role": "tool", "content": "1", "tool_call_id": "w"},
        {"role": "tool", "content": "2", "tool_call_id": "w"},
    ]

    taken = [from_openai(message) for message in messages]
    call, first, second = to_openai(taken)

    assert taken == [from_openai(message) for message in messages]

    ids = [made["id"] for made in call["tool_calls"]]
    assert len(set(ids)) == 2
    assert [first["tool_call_id"], second["tool_call_id"]] == ids
    assert [first["content"], second["content"]] == ["1", "2"]


@pytest.mark.parametrize(
    "argument", [ChatMessage(role="user", content="x"), {"role": "user"}, "x", None, [{}], ["x"]]
)
def test_only_lists_of_messages_are_converted(argument: Any) -> None:
    with pytest.raises(InvalidMessageError, match="to_openai takes a list"):
        to_openai(argument)


LONG = "toolu_" + "x" * 60
OTHER_CALL = {"type": "tool_call", "id": LONG, "name": "f", "arguments": {}}
NOT_SENT: dict[str, tuple[Iterable[ChatMessage], Any]] = {
    "ids, times and metadata": (
        [ChatMessage(role="user", content="x", id="i", created_at=TIME, metadata={"a": 1})],
        [{"role": "user", "content": "x"}],
    ),
    "messages of a model without text and calls": (
        [
            ChatMessage(role="assistant", additional_kwargs={"tool_calls": None}),
            ChatMessage(role="model", content=[{"type": "thinking", "thinking": "hm"}]),
            ChatMessage(role="assistant", content=[{"type": "redacted_thinking", "data": "x"}]),
        ],
        [],
    ),
    "messages of others without content": (
        [ChatMessage(role="user"), ChatMessage(role="system", content=[])],
        [],
    ),
    "thinking": (
        [ChatMessage(role="chatbot", content=[{"type": "thinking", "thinking": "hm"}, TEXT])],
        [{"role": "assistant", "content": [TEXT]}],
    ),
    "video": ([ChatMessage(role="user", content=[{"type": "video", "url": "u"}])], []),
    "audio and files by URL": (
        [
            ChatMessage(
                role="user",
                content=[{"type": "audio", "url": "u"}, {"type": "document", "url": "u"}, TEXT],
            )
        ],
        [{"role": "user", "content": [TEXT]}],
    ),
    "media in messages of a model, the system or a developer": (
        [
            ChatMessage(role=role, content=[TEXT, IMAGE, PICTURE])
            for role in ("assistant", "system", "developer")
        ],
        [{"role": role, "content": [TEXT]} for role in ("assistant", "system", "developer")],
    ),
}


@pytest.mark.parametrize("what", NOT_SENT)
def test_what_the_format_lacks_is_not_sent(what: str) -> None:
    messages, expected = NOT_SENT[what]

    assert to_openai(messages) == expected
    assert what.split(maxsplit=1)[0] in (to_openai.__doc__ or "")


def test_ids_are_short_and_results_have_the_calls_ids() -> None:
    messages = [
        ChatMessage(role="user", content="q"),
        ChatMessage(role="assistant", content=[OTHER_CALL]),
        ChatMessage(role="tool", content="a", additional_kwargs={"tool_call_id": LONG}),
    ]
    _, call, answer = to_openai(messages)

    assert len(answer["tool_call_id"]) <= 40
    assert call["tool_calls"][0]["id"] == answer["tool_call_id"]


def test_results_of_the_older_function_call_keep_their_role() -> None:
    messages: list[dict[str, Any]] = [
        {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}},
        {"role": "function", "content": "1", "name": "f"},
    ]

    assert to_openai([from_openai(message) for message in messages]) == messages


def test_blocks_of_unknown_types_in_results_become_text() -> None:
    [converted] = to_openai(
        [ChatMessage(role="user", content=[result("a", [{"type": "hologram", "depth": 3}])])]
    )

    assert converted["content"] == [{"type": "text", "text": '{"type": "hologram", "depth": 3}'}]


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"content": ""},
        {"content": []},
        {"content": [{"type": "text", "text": ""}]},
        {"content": [{"type": "thinking", "thinking": "hm"}]},
        {"content": None, "additional_kwargs": {"refusal": None, "tool_calls": []}},
    ],
)
def test_windows_leave_out_empty_answers(fields: Any) -> None:
    buffer = ChatMemoryBuffer(1000, tokenizer_fn=str.split)
    silent = ChatMessage(role="assistant", **fields)
    question = ChatMessage(role="user", content="q")
    buffer.put_messages([question, silent, ChatMessage(role="assistant", content="a")])

    assert [message.role for message in buffer.get()] == ["user", "assistant"]
    assert [message["role"] for message in to_openai(buffer.get_all())] == ["user", "assistant"]
    sending = ChatMemoryBuffer(
        1000, buffer.chat_store, tokenizer_fn=str.split, payload_fn=lambda _: {"x": 1}
    )
    assert len(sending.get()) == 3
