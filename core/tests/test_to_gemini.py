"""Messages from Gemini's format, and back unchanged; what the format lacks is not sent."""

from __future__ import annotations

import base64
from datetime import datetime, timezone
from typing import Any

import pytest
from generated_messages import stored
from google.genai import types
from provider_types import check_gemini

from chatstore.core import ChatMessage, InvalidMessageError, from_gemini, to_gemini, to_openai
from chatstore.core.converters.originals import original_of
from chatstore.core.tool_calls import calls_of, results_of

TIME = datetime(2026, 11, 26, tzinfo=timezone.utc)
URL = "https://example.org/a"
SIGNATURE = base64.b64encode(b"skip_thought_signature_validator").decode()
CONTENTS: list[dict[str, Any]] = [
    {
        "role": "user",
        "parts": [
            {"text": "What is this?"},
            {"inlineData": {"mimeType": "image/png", "data": "AAAA"}},
            {"fileData": {"fileUri": URL, "mimeType": "video/mp4"}},
            {"inlineData": {"mimeType": "application/pdf", "data": "AAAA", "displayName": "n"}},
        ],
    },
    {
        "role": "model",
        "parts": [
            {"text": "Let me see.", "thought": True},
            {"functionCall": {"name": "f", "args": {"x": None}}, "thoughtSignature": "c2ln"},
            {"functionCall": {"name": "f", "args": {}, "id": "a"}},
            {"executableCode": {"language": "PYTHON", "code": "1"}},
        ],
    },
    {
        "role": "user",
        "parts": [
            {"functionResponse": {"name": "f", "response": {"result": "one"}}},
            {"functionResponse": {"name": "f", "id": "a", "response": {"error": "bad"}}},
        ],
    },
    {"role": "model", "parts": [{"text": "Done.", "thoughtSignature": "c2ln"}]},
    {"role": "user", "parts": [{"function_response": {"name": "g", "response": {"a": [1]}}}]},
]


@pytest.mark.parametrize(
    "instruction", [None, "Be brief.", {"role": "user", "parts": [{"text": "a"}, {"text": "b"}]}]
)
def test_requests_come_back_unchanged(instruction: Any) -> None:
    request = {"contents": CONTENTS[:-1]}
    if instruction is not None:
        request["system_instruction"] = instruction

    taken = stored(from_gemini(**request))

    assert to_gemini(taken) == request
    check_gemini(request)
    to_openai(taken)


def test_common_fields_hold_what_others_can_read() -> None:
    question, call, results, answer, other = from_gemini(CONTENTS)

    assert question.text == "What is this?"
    assert isinstance(question.content, list)
    kinds = [(block.type, getattr(block, "media_type", None)) for block in question.content]
    assert kinds == [
        ("text", None),
        ("image", "image/png"),
        ("video", "video/mp4"),
        ("document", "application/pdf"),
    ]
    assert [one[1:] for one in calls_of(call)] == [("f", '{"x": null}'), ("f", "{}")]
    assert [(one.id, one.name, one.content) for one in results_of(results)] == [
        ("", "f", "one"),
        ("a", "f", "bad"),
    ]
    assert answer.text == "Done."
    assert results_of(other)[0].content == '{"a": [1]}'
    assert (
        original_of(from_gemini([{"role": "user", "parts": [{"text": "a"}]}])[0], "gemini") is None
    )


def test_objects_of_the_sdk_are_read() -> None:
    call = types.FunctionCall(id="c", name="f", args={"x": 1})
    parts = [types.Part(function_call=call, thought_signature=b"\xff\xfe\xfb")]
    response = types.GenerateContentResponse(
        candidates=[
            types.Candidate(
                content=types.Content(role="model", parts=parts),
                finish_reason=types.FinishReason.STOP,
            )
        ],
        response_id="r1",
        model_version="gemini-3-pro",
        usage_metadata=types.GenerateContentResponseUsageMetadata(prompt_token_count=3),
    )
    image = types.Blob(mime_type="image/png", data=b"\x00")

    [message, question] = from_gemini(
        [
            response,
            {"role": "user", "parts": [{"inline_data": {"data": b"\0", "mime_type": "a/b"}}]},
        ]
    )

    assert message.id == "r1"
    assert message.metadata["model_version"] == "gemini-3-pro"
    assert message.metadata["finish_reason"] == "STOP"
    assert message.metadata["usage_metadata"] == {"promptTokenCount": 3}
    sent = to_gemini(stored([message, question]))["contents"]
    assert types.Content.model_validate(sent[0]).parts == parts
    assert types.Content.model_validate(sent[1]).parts == [
        types.Part(inline_data=types.Blob(mime_type="a/b", data=image.data))
    ]


URL_SAFE: list[Any] = [
    types.Content(
        role="user",
        parts=[types.Part(inline_data=types.Blob(mime_type="image/png", data=b"\xff\xfe"))],
    ),
    {"role": "user", "parts": [{"inlineData": {"mimeType": "image/png", "data": "__4="}}]},
]


@pytest.mark.parametrize("content", URL_SAFE)
def test_media_become_base64_that_others_accept(content: Any) -> None:
    """Pydantic and protobuf also write the URL-safe alphabet."""
    taken = stored(from_gemini([content]))

    [part] = to_openai(taken)[0]["content"]
    assert part["image_url"]["url"] == "data:image/png;base64,//4="
    [sent] = to_gemini(taken)["contents"]
    assert types.Content.model_validate(sent) == types.Content.model_validate(content)


def test_a_response_without_a_content_is_refused() -> None:
    with pytest.raises(InvalidMessageError, match="prompt_feedback"):
        from_gemini([types.GenerateContentResponse(candidates=[])])


def test_calls_of_other_models_are_sent() -> None:
    """Calls get ids and one signature, results get names; media wait for all results."""
    calls = [
        {"id": "", "type": "function", "function": {"name": name, "arguments": arguments}}
        for name, arguments in (("f", "[1]"), ("g", "{}"))
    ]
    picture = {"type": "image", "data": "AAAA", "media_type": "image/png"}
    request = to_gemini(
        [
            ChatMessage(role="developer", content="be brief"),
            ChatMessage(role="user", content="q"),
            ChatMessage(role="assistant", content="a"),
            ChatMessage(role="assistant", additional_kwargs={"tool_calls": calls}),
            ChatMessage(role="tool", content=[picture, {"type": "text", "text": "1"}]),
            ChatMessage(role="tool", content="2"),
            ChatMessage(role="system", content="be kind"),
        ]
    )

    check_gemini(request)
    _, answer, responses, media = request["contents"]
    text, first, second = answer["parts"]
    assert text == {"text": "a"}
    assert first["thoughtSignature"] == SIGNATURE
    assert "thoughtSignature" not in second
    assert first["functionCall"]["args"] == {"arguments": [1]}
    ids = [part["functionCall"].pop("id") for part in (first, second)]
    assert responses["parts"] == [
        {"functionResponse": {"id": ids[0], "name": "f", "response": {"output": "1"}}},
        {"functionResponse": {"id": ids[1], "name": "g", "response": {"output": "2"}}},
    ]
    assert media["parts"] == [{"inlineData": {"mimeType": "image/png", "data": "AAAA"}}]
    assert request["system_instruction"] == {"parts": [{"text": "be brief"}, {"text": "be kind"}]}


def test_media_wait_while_results_are_missing() -> None:
    calls: list[Any] = [
        {"type": "tool_call", "id": name, "name": "f", "arguments": {}} for name in ("a", "b")
    ]
    picture = {"type": "image", "data": "AAAA"}
    result = {"type": "tool_result", "tool_use_id": "a", "content": [picture]}
    messages = [
        ChatMessage(role="assistant", content=calls),
        ChatMessage(role="user", content=[result, {"type": "text", "text": "and"}]),
    ]
    assert len(to_gemini(messages)["contents"]) == 2


def message(role: Any, *blocks: Any, **fields: Any) -> ChatMessage:
    return ChatMessage(role=role, content=[*blocks, {"type": "text", "text": "x"}], **fields)


LACKS: dict[str, ChatMessage] = {
    "ids, times, metadata and names": message(
        "user", id="i", created_at=TIME, metadata={"a": 1}, additional_kwargs={"name": "Ann"}
    ),
    "any characters": message("user", {"type": "text", "text": ""}),
    "thinking": message("assistant", {"type": "thinking", "thinking": "hm", "signature": "s"}),
    "audio, video and documents in messages of a model": message(
        "assistant", *({"type": kind, "url": URL} for kind in ("audio", "video", "document"))
    ),
    "blocks of unknown types": message("user", {"type": "hologram"}),
}


@pytest.mark.parametrize("what", LACKS)
def test_what_the_format_lacks_is_not_sent(what: str) -> None:
    role = "user" if LACKS[what].role == "user" else "model"

    assert to_gemini([LACKS[what]]) == {"contents": [{"role": role, "parts": [{"text": "x"}]}]}
    assert what in " ".join((to_gemini.__doc__ or "").split())


def test_other_things_that_the_format_lacks() -> None:
    empty = [
        ChatMessage(role="user", content=""),
        ChatMessage(role="assistant", content=""),
        ChatMessage(role="system", content=""),
    ]
    assert to_gemini(empty) == {"contents": []}
    document = message("user", {"type": "document", "url": URL, "name": "secret"})
    prompt = message("system", {"type": "image", "url": URL})
    assert "secret" not in repr(to_gemini([document]))
    assert to_gemini([document, prompt])["system_instruction"] == {"parts": [{"text": "x"}]}
    doc = " ".join((to_gemini.__doc__ or "").split())
    for what in (
        "the place of system messages that are not first",
        "messages and text without any characters",
        "names of documents",
        "media in messages of the system",
    ):
        assert what in doc


def test_a_changed_message_is_sent_as_it_is_now() -> None:
    [taken] = from_gemini([CONTENTS[3]])
    taken.content = "new"

    assert to_gemini([taken])["contents"] == [{"role": "model", "parts": [{"text": "new"}]}]
