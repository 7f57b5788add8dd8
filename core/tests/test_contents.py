"""Helpers that adapters share: content as text or blocks, calls, checks of stores."""

from __future__ import annotations

from typing import Any

import pytest

from chatstore.core import ChatMessage, InvalidArgumentError, SimpleChatStore
from chatstore.core.contents import blocks_of, media_block, simplify, text_of
from chatstore.core.store import check_store
from chatstore.core.tool_calls import Call, calls_of, parse_arguments

TEXT = {"type": "text", "text": "a"}
IMAGE = {"type": "image", "data": "AAAA", "media_type": "image/png"}


@pytest.mark.parametrize(
    ("content", "blocks"),
    [("a", [TEXT]), ("", []), (None, []), ([TEXT, IMAGE], [TEXT, IMAGE]), ([], [])],
)
def test_content_as_blocks(content: Any, blocks: list[Any]) -> None:
    message = ChatMessage(role="user", content=content)
    dumped = [block.model_dump(exclude_unset=True) for block in blocks_of(message.content)]
    assert dumped == blocks


def test_text_of_blocks_is_one_line_for_each() -> None:
    message = ChatMessage(role="user", content=[TEXT, IMAGE, {"type": "text", "text": "b"}])
    assert text_of(blocks_of(message.content)) == "a\nb"
    assert text_of([]) == ""


@pytest.mark.parametrize(
    ("blocks", "content"),
    [([TEXT], "a"), ([IMAGE], [IMAGE]), ([TEXT, TEXT], [TEXT, TEXT]), ([], None)],
)
def test_a_single_text_block_is_simplified(blocks: list[Any], content: object) -> None:
    assert simplify(blocks) == content


@pytest.mark.parametrize(
    ("media_type", "block_type"),
    [
        ("image/png", "image"),
        ("audio/wav", "audio"),
        ("video/mp4", "video"),
        ("application/pdf", "document"),
        ("text/plain", "document"),
        (None, "document"),
    ],
)
def test_media_by_type(media_type: str | None, block_type: str) -> None:
    block = media_block("AAAA", media_type)
    assert block == {"type": block_type, "data": "AAAA", "media_type": media_type}


@pytest.mark.parametrize(
    ("text", "value"), [('{"a": 1}', {"a": 1}), ("[1]", [1]), ("a", "a"), ("", ""), ("{", "{")]
)
def test_arguments_are_json_or_text(text: str, value: object) -> None:
    assert parse_arguments(text) == value


def test_a_call_in_openais_form_is_read_again() -> None:
    call = Call("c1", "weather", '{"city": "Oslo"}')
    message = ChatMessage(role="assistant", additional_kwargs={"tool_calls": [call.to_openai()]})
    assert calls_of(message) == [call]


def test_a_store_is_returned() -> None:
    store = SimpleChatStore()
    assert check_store(store) is store


@pytest.mark.parametrize("other", ["sqlite:///chat.db", None, 1, SimpleChatStore])
def test_other_stores_are_refused_with_the_parameter_and_the_class(other: object) -> None:
    with pytest.raises(
        InvalidArgumentError, match=rf"^chat_store must be .*{type(other).__name__}"
    ):
        check_store(other, "chat_store")
