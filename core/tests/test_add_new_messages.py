"""`operations.add_new_messages` appends the messages whose ids the conversation does not have."""

from __future__ import annotations

import asyncio

import pytest

from chatstore.core import ChatMessage, InvalidKeyError, InvalidMessageError, SimpleChatStore
from chatstore.core.operations import add_new_messages


def message(message_id: str, text: str = "a") -> ChatMessage:
    return ChatMessage(role="user", content=text, id=message_id)


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_only_new_ids_are_appended(mode: str) -> None:
    store = SimpleChatStore()
    store.add_messages("k", [message("1"), message("2")])
    messages = [message("2", "changed"), message("3"), message("1"), message("4")]
    if mode == "sync":
        count = store.run("add", add_new_messages, "k", messages)
    else:
        count = asyncio.run(store.async_run("add", add_new_messages, "k", messages))

    assert count == 2
    assert [(m.id, m.content) for m in store.get_messages("k")] == [
        ("1", "a"), ("2", "a"), ("3", "a"), ("4", "a"),
    ]  # fmt: skip
    assert store.run("add", add_new_messages, "k", messages) == 0
    assert store.run("add", add_new_messages, "k", []) == 0


def test_arguments_are_checked_before_anything_is_written() -> None:
    store = SimpleChatStore()
    with pytest.raises(InvalidMessageError, match="same id"):
        store.run("add", add_new_messages, "k", [message("1"), message("1")])
    with pytest.raises(InvalidKeyError):
        store.run("add", add_new_messages, "", [message("1")])
    assert store.get_keys() == []
