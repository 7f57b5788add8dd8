"""The message model: validation, text, `repr` and equality."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest
from pydantic import ValidationError

from chatstore.core import (
    ChatMessage,
    ContentBlock,
    ImageBlock,
    MessageRole,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
)


def test_repr_is_about_what_was_said() -> None:
    message = ChatMessage(role="user", content="Who are you?", id="1", metadata={"cost": 1})

    assert repr(message) == (
        "ChatMessage(role=<MessageRole.USER: 'user'>, content='Who are you?', additional_kwargs={})"
    )


def test_equality_is_about_what_was_said() -> None:
    now = datetime.now(timezone.utc)

    assert ChatMessage(
        role="user", content="a", id="1", created_at=now, metadata={"cost": 1}
    ) == ChatMessage(role=MessageRole.USER, content="a", id="2")
    assert ChatMessage(role="user", content="a") != ChatMessage(role="assistant", content="a")
    assert ChatMessage(role="user", content="") != ChatMessage(role="user", content=None)
    assert ChatMessage(role="user", content="a") != "a"
    with pytest.raises(TypeError):
        hash(ChatMessage(role="user"))


@pytest.mark.parametrize("role", [role.value for role in MessageRole])
def test_every_role_goes_by_its_name(role: Any) -> None:
    assert ChatMessage(role=role).role == role


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"role": "human"},
        {"role": "USER"},
        {"role": None},
        {"role": 1},
        {"role": "user", "content": 5},
        {"role": "user", "content": b"bytes"},
        {"role": "user", "content": "\ud800"},
        {"role": "user", "content": ["no block"]},
        {"role": "user", "content": [{"text": "of no type"}]},
        {"role": "user", "content": [{"type": "text"}]},
        {"role": "user", "content": [{"type": "text", "text": 5}]},
        {"role": "user", "content": [{"type": "hologram", "x": float("nan")}]},
        {"role": "user", "additional_kwargs": {"x": float("nan")}},
        {"role": "user", "additional_kwargs": {"x": float("inf")}},
        {"role": "user", "additional_kwargs": {"x": object()}},
        {"role": "user", "additional_kwargs": {1: "x"}},
        {"role": "user", "additional_kwargs": None},
        {"role": "user", "metadata": None},
        {"role": "user", "metadata": "x"},
        {"role": "user", "metadata": {"x": float("nan")}},
        {"role": "user", "metadata": {1: "x"}},
        {"role": "user", "id": ""},
        {"role": "user", "id": "x" * 256},
        {"role": "user", "id": "é" * 128},
        {"role": "user", "id": 5},
        {"role": "user", "created_at": "2024-01-01T00:00:00"},
        {"role": "user", "contents": "a misspelt name"},
    ],
)
def test_what_does_not_fit_is_refused(fields: Any) -> None:
    with pytest.raises(ValidationError):
        ChatMessage(**fields)


def test_blocks_are_known_by_their_type() -> None:
    message = ChatMessage(
        role="assistant",
        content=[
            {"type": "thinking", "thinking": "hm", "signature": "s"},
            {"type": "text", "text": "a"},
            {"type": "image", "url": "https://example.org/a.png"},
            {"type": "tool_call", "id": "1", "name": "f", "arguments": {"x": 1}},
            {"type": "hologram", "depth": 3, "parts": [None]},
        ],
    )
    content: Any = message.content
    thinking, text, image, call, unknown = content

    assert (thinking, text) == (ThinkingBlock(thinking="hm", signature="s"), TextBlock(text="a"))
    assert isinstance(image, ImageBlock)
    assert call == ToolCallBlock(id="1", name="f", arguments={"x": 1})
    assert unknown.model_dump() == {"type": "hologram", "depth": 3, "parts": [None]}


def test_an_id_of_255_bytes_fits() -> None:
    longest = "é" * 127 + "x"
    assert len(longest.encode()) == 255
    assert ChatMessage(role="user", id=longest).id == longest


@pytest.mark.parametrize(
    ("content", "text", "printed"),
    [
        ("hi", "hi", "user: hi"),
        ("", "", "user: "),
        (None, "", "user: None"),
        ([TextBlock(text="a"), ImageBlock(url="u"), TextBlock(text="b")], "ab", "user: a\nb"),
        ([ImageBlock(url="u")], "", "user: None"),
    ],
)
def test_text_and_print(content: Any, text: Any, printed: Any) -> None:
    message = ChatMessage(role="user", content=content)

    assert (message.text, str(message), f"{message}") == (text, printed, printed)


def test_errors_of_pydantic_do_not_quote_content() -> None:
    secret = "the secret words"
    for fields in (
        {"role": "user", "content": {"a": secret}},
        {"role": "user", "content": [{"type": "text", "text": [secret]}]},
        {"role": secret},
        {"role": "user", "additional_kwargs": [secret]},
        {"role": "user", "created_at": secret},
        {"role": "user", "unknown": secret},
    ):
        with pytest.raises(ValidationError) as caught:
            ChatMessage.model_validate(fields)
        assert "secret" not in str(caught.value)
    for kind in (TextBlock, ImageBlock, ToolCallBlock, ContentBlock):
        with pytest.raises(ValidationError) as caught:
            kind.model_validate({name: [secret] for name in ("type", "id", "text", "url")})
        assert "secret" not in str(caught.value)
