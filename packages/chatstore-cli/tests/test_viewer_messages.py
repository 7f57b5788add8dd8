"""What the page shows of a message."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any

import pytest
from hostile import FORBIDDEN, HOSTILE

from chatstore.cli.viewer.images import decode_image
from chatstore.cli.viewer.messages import MARKDOWN_LIMIT, TEXT_LIMIT, MessageView, find_image
from chatstore.core import ChatMessage, TokenCounter

PNG = b64encode(b"\x89PNG\r\n\x1a\n....").decode()
SVG = b64encode(b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>").decode()


def shown(*, is_whole: bool = False, **fields: Any) -> dict[str, Any]:
    return MessageView(TokenCounter(), is_whole=is_whole).show(ChatMessage(id="m", **fields))


def test_a_call_and_its_result() -> None:
    function = {"name": "weather", "arguments": '{"city":"Oslo"}'}
    call = shown(
        role="assistant", additional_kwargs={"tool_calls": [{"id": "1", "function": function}]}
    )
    result = shown(role="tool", content='{"t":3}', additional_kwargs={"tool_call_id": "1"})

    assert call["parts"] == []
    assert call["calls"] == [
        {
            "id": "1",
            "name": "weather",
            "arguments": {"kind": "text", "text": '{\n  "city": "Oslo"\n}'},
        }
    ]
    assert result["parts"] == []
    assert [one["id"] for one in result["results"]] == ["1"]
    assert result["results"][0]["parts"] == [{"kind": "text", "text": '{\n  "t": 3\n}'}]
    assert call["tokens"] > 4


def test_blocks_of_calls_and_results() -> None:
    call = shown(
        role="assistant",
        content=[
            {"type": "thinking", "thinking": "hm"},
            {"type": "text", "text": "I *look*."},
            {"type": "tool_use", "id": "1", "name": "look", "input": {}},
        ],
    )
    result = shown(
        role="user",
        content=[
            {
                "type": "tool_result",
                "tool_use_id": "1",
                "content": [{"type": "text", "text": "seen"}],
            },
            {"type": "text", "text": "and now?"},
        ],
    )

    assert [part["kind"] for part in call["parts"]] == ["thinking", "markdown"]
    assert [one["name"] for one in call["calls"]] == ["look"]
    assert [part["kind"] for part in result["parts"]] == ["markdown"]
    assert result["results"][0]["parts"] == [{"kind": "text", "text": "seen"}]


def test_other_fields_are_shown() -> None:
    message = shown(
        role="assistant",
        content=[{"type": "novel", "x": 1}],
        additional_kwargs={"refusal": "no"},
        metadata={"cost": 2},
    )

    assert message["parts"][0]["label"] == "novel"
    assert '"x": 1' in message["parts"][0]["part"]["text"]
    assert [one["label"] for one in message["fields"]] == ["additional_kwargs", "metadata"]
    assert "refusal" in message["fields"][0]["part"]["text"]


@pytest.mark.parametrize(
    "block",
    [
        {"type": "image", "data": PNG, "media_type": "image/svg+xml"},
        {"type": "image_url", "image_url": {"url": f"data:text/html;base64,{PNG}"}},
        {"type": "input_image", "image_url": f"data:image/png;base64,{PNG}"},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}},
    ],
)
def test_the_bytes_decide_what_an_image_is(block: dict[str, Any]) -> None:
    message = ChatMessage(role="user", content=[block])
    [part] = MessageView(TokenCounter()).show(message)["parts"]

    assert part["kind"] == "image"
    data = find_image(message, part["digest"])
    assert data is not None
    assert data == PNG
    assert decode_image(data) == (b"\x89PNG\r\n\x1a\n....", "image/png")
    assert find_image(message, "0") is None


@pytest.mark.parametrize(
    "block",
    [
        {"type": "image", "data": SVG, "media_type": "image/png"},
        {"type": "image_url", "image_url": {"url": "data:image/svg+xml,<svg onload=alert(1)>"}},
        {"type": "image", "data": "not base64 \x00", "media_type": "image/png"},
        {"type": "image", "url": "https://evil.example/pixel.png"},
        {"type": "image_url", "image_url": "javascript:alert(1)"},
        {"type": "document", "data": SVG, "name": "x.svg"},
    ],
)
def test_other_media_are_named_only(block: dict[str, Any]) -> None:
    [part] = shown(role="user", content=[block])["parts"]

    assert part["kind"] == "file"
    assert decode_image(str(block.get("data"))) is None


def test_control_characters_are_escaped_everywhere() -> None:
    calls = [{"id": "1", "function": {"name": HOSTILE, "arguments": HOSTILE}}]
    for message in (
        shown(role="user", content=HOSTILE, additional_kwargs={"name": HOSTILE, "x": HOSTILE}),
        shown(
            role="assistant",
            content=[{"type": "text", "text": f"`{HOSTILE}`\n\n> {HOSTILE}"}],
            additional_kwargs={"tool_calls": calls},
        ),
        shown(role="tool", content=HOSTILE, metadata={HOSTILE.replace("\x1b", ""): HOSTILE}),
        shown(role="user", content="\u202e" * (MARKDOWN_LIMIT + 1)),
        shown(role="user", content=[{"type": HOSTILE, HOSTILE: HOSTILE}]),
    ):
        text = json.dumps(message, ensure_ascii=False)
        assert not any(character in text for character in (*FORBIDDEN, "\x1b")), text
        assert "202e" in text


def test_long_texts_are_cut_until_the_whole_message_is_requested() -> None:
    text = "x" * (TEXT_LIMIT + 10)
    [part] = shown(role="user", content=text)["parts"]
    [whole] = shown(role="user", content=text, is_whole=True)["parts"]

    assert (len(part["text"]), part["length"]) == (TEXT_LIMIT, TEXT_LIMIT + 10)
    assert (len(whole["text"]), whole.get("length")) == (TEXT_LIMIT + 10, None)
