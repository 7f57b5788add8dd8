"""OpenAI's format in, and the same out."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from chatstore.core import ChatMessage, ToolCallBlock, from_openai, to_openai

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
    ],
    ids=json.dumps,
)
def test_round_trip_is_exact(message):
    assert to_openai(from_openai(message)) == message


OWN = {"role", "content", "native"}
texts = st.text(st.characters(exclude_categories=["Cs"]))
numbers = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


@given(
    role=st.sampled_from(["system", "user", "assistant", "tool"]),
    content=texts | st.none(),
    rest=st.dictionaries(texts.filter(lambda name: name not in OWN), values),
)
def test_round_trip_of_anything(role, content, rest):
    message = {"role": role, "content": content, **rest}

    assert to_openai(from_openai(message)) == message


def test_what_frameworks_keep_is_not_sent():
    message = from_openai({"role": "user", "content": "a", "native": {"x": 1}})

    assert message.additional_kwargs == {"native": {"x": 1}}
    assert to_openai(message) == {"role": "user", "content": "a"}


def test_our_blocks_become_openais_parts():
    message = ChatMessage(
        role="assistant",
        content=[
            {"type": "text", "text": "a"},
            {"type": "image", "data": "AAAA", "media_type": "image/jpeg"},
            ToolCallBlock(id="1", name="f", arguments={"x": "é"}),
        ],
    )

    assert to_openai(message) == {
        "role": "assistant",
        "content": [
            {"type": "text", "text": "a"},
            {"type": "image_url", "image_url": {"url": "data:image/jpeg;base64,AAAA"}},
        ],
        "tool_calls": [
            {"id": "1", "type": "function", "function": {"name": "f", "arguments": '{"x": "é"}'}}
        ],
    }


@pytest.mark.parametrize("message", [{}, {"content": "a"}, {"role": "alien"}, {"role": None}])
def test_a_message_of_no_known_role_is_refused(message):
    with pytest.raises(ValidationError):
        from_openai(message)


def test_the_callers_dict_is_not_shared():
    message = {"role": "assistant", "content": None, "tool_calls": [dict(CALL)]}
    taken = from_openai(message)
    message["tool_calls"].append("x")

    assert taken.additional_kwargs["tool_calls"] == [CALL]


def test_a_frameworks_own_form_is_not_sent():
    message = ChatMessage(role="user", content="a", additional_kwargs={"native": {"f": {}}})

    assert to_openai(message) == {"role": "user", "content": "a"}
