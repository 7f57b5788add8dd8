"""Items of OpenAI's Responses API, and back unchanged; what the format lacks is not sent."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest
from generated_messages import stored
from hypothesis import given
from hypothesis import strategies as st
from openai.types.responses import ResponseOutputMessage, ResponseOutputText

from chatstore.core import ChatMessage, from_responses, to_anthropic, to_openai, to_responses
from chatstore.core.testing.provider_rules import chat_completions_violations
from chatstore.core.tool_calls import calls_of

TIME = datetime(2026, 11, 23, tzinfo=timezone.utc)
words = st.text(st.characters(codec="utf-8"), min_size=1, max_size=5)
URL = "https://example.org/a"
IMAGE = {"type": "input_image", "image_url": URL, "detail": "auto"}
inputs = st.builds(
    lambda role, content, more: {"role": role, "content": content, **more},
    st.sampled_from(["user", "system", "developer"]),
    words
    | st.lists(
        st.builds(lambda text: {"type": "input_text", "text": text}, words)
        | st.sampled_from(
            [
                IMAGE,
                {"type": "input_file", "file_data": "data:application/pdf;base64,AAAA"},
                {"type": "input_file", "file_id": "file_1"},
                {"type": "input_image", "file_id": "file_1", "detail": "low"},
            ]
        ),
        min_size=1,
        max_size=3,
    ),
    st.sampled_from([{}, {"type": "message"}, {"type": "message", "id": "msg_i"}]),
)


def answer(number: int, text: str) -> Any:
    return {
        "type": "message",
        "id": f"msg_{number}",
        "role": "assistant",
        "status": "completed",
        "content": [{"type": "output_text", "text": text, "annotations": [], "logprobs": []}],
    }


def call(name: str, **fields: Any) -> Any:
    return {"type": "function_call", "call_id": name, "name": "f", "arguments": "{}", **fields}


def output(name: str, value: Any = "r", **fields: Any) -> Any:
    return {"type": "function_call_output", "call_id": name, "output": value, **fields}


def reasoning(number: int) -> Any:
    return {
        "type": "reasoning",
        "id": f"rs_{number}",
        "summary": [{"type": "summary_text", "text": "hm"}],
        "encrypted_content": "x" * 100,
    }


items = (
    inputs
    | st.builds(answer, st.integers(0, 99), words)
    | st.builds(reasoning, st.integers(0, 99))
    | st.builds(lambda number: call(f"call_{number}", id=f"fc_{number}"), st.integers(0, 9))
    | st.builds(
        lambda number, value: output(f"call_{number}", value),
        st.integers(0, 9),
        words | st.lists(st.just(IMAGE), min_size=1, max_size=2),
    )
    | st.sampled_from(
        [
            {"role": "assistant", "content": "easy"},
            {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {}},
            {"type": "compaction", "id": "cmp_1", "encrypted_content": "x"},
            {"type": "item_reference", "id": "msg_9"},
            {"type": "custom_tool_call", "call_id": "c", "name": "f", "input": "free text"},
            {"type": "custom_tool_call_output", "call_id": "c", "output": "r"},
            {"type": "mcp_approval_request", "id": "m", "name": "f", "arguments": "{}"},
        ]
    )
)


@given(st.lists(items, max_size=8))
def test_items_come_back_unchanged(listed: Any) -> None:
    taken = [message.model_copy(update={"id": None}) for message in from_responses(listed)]

    assert to_responses(stored(taken)) == listed
    to_openai(taken)
    to_anthropic(taken)


def test_items_of_the_model_become_one_message() -> None:
    listed = [
        {"role": "user", "content": "q"},
        reasoning(1),
        answer(1, "wait"),
        reasoning(2),
        call("a", id="fc_1"),
        call("b", id="fc_2"),
        output("a"),
        output("b", [{"type": "input_text", "text": "x"}], id="out_2"),
        answer(2, "done"),
    ]

    messages = stored(from_responses(listed))

    assert [message.role.value for message in messages] == [
        *("user", "assistant", "assistant", "tool", "tool", "assistant"),
    ]
    assert [message.id for message in messages[1:3]] == ["msg_1", "rs_2"]
    assert [message.id for message in messages[4:]] == ["out_2", "msg_2"]
    assert [made.id for made in calls_of(messages[2])] == ["a", "b"]
    assert to_responses(messages) == listed
    assert chat_completions_violations(to_openai(messages)) == []


def test_objects_of_the_sdk_are_read() -> None:
    text = ResponseOutputText(type="output_text", text="a", annotations=[])
    item = ResponseOutputMessage(
        id="msg_1", type="message", role="assistant", status="completed", content=[text]
    )
    [message] = from_responses([item])

    assert (message.id, message.content) == ("msg_1", "a")
    assert to_responses([message]) == [item.model_dump(mode="json", exclude_unset=True)]


SEEN: Any = {"type": "text", "text": "x"}


def message(role: Any, *blocks: Any, **fields: Any) -> ChatMessage:
    return ChatMessage(role=role, content=[*blocks, SEEN], **fields)


LACKS: dict[str, ChatMessage] = {
    "ids of messages; thinking": message(
        "assistant", {"type": "thinking", "thinking": "hm", "signature": "s"}, id="msg_1"
    ),
    "times, metadata and names": message(
        "user", created_at=TIME, metadata={"a": 1}, additional_kwargs={"name": "Ann"}
    ),
    "audio and video": message(
        "user", {"type": "audio", "url": URL}, {"type": "video", "url": URL}
    ),
    "media in messages of a model": message("model", {"type": "image", "url": URL}),
    "blocks of unknown types": message("user", {"type": "hologram"}),
}


@pytest.mark.parametrize("what", LACKS)
def test_what_the_format_lacks_is_not_sent(what: str) -> None:
    is_user = LACKS[what].role == "user"
    content = [{"type": "input_text", "text": "x"}] if is_user else "x"
    role = "user" if is_user else "assistant"

    assert to_responses([LACKS[what]]) == [{"role": role, "content": content}]
    assert what in " ".join((to_responses.__doc__ or "").split())


def test_empty_answers_are_not_sent() -> None:
    assert "messages of a model without text and calls" in (to_responses.__doc__ or "")
    assert to_responses([ChatMessage(role="assistant", content="")]) == []
