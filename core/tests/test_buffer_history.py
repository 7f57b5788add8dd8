"""A memory buffer that begins with a history, and copies of buffers."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest
from numbered_messages import numbered, turns, words

from chatstore.core import ChatMessage, SimpleChatStore
from chatstore.core.errors import InvalidMessageError
from chatstore.core.memory import ChatMemoryBuffer

KEY = "chat_history"
Call = Callable[..., Any]


def test_a_history_seeds_an_empty_conversation_once(call: Call) -> None:
    store = SimpleChatStore()
    history = [ChatMessage(role="user", content="x"), ChatMessage(role="user", content="x")]
    buffers = [
        ChatMemoryBuffer.from_defaults(
            chat_store=store, tokenizer_fn=words, chat_history=iter(history)
        )
        for _ in range(2)
    ]
    assert store.get_keys() == []

    assert call(buffers[0], "get") == history
    call(buffers[1], "put", numbered("assistant", 1))

    assert call(buffers[0], "get_all") == [*history, numbered("assistant", 1)]
    assert history[0].id is None


def test_two_buffers_seed_with_the_same_ids() -> None:
    ids = []
    for number in range(2):
        history = [ChatMessage(role="user", content="x", metadata={"read": number})]
        buffer = ChatMemoryBuffer.from_defaults(tokenizer_fn=words, chat_history=history)
        ids.append([message.id for message in buffer.get_all()])

    assert ids[0] == ids[1]


def test_a_history_that_cannot_be_stored() -> None:
    bad = ChatMessage(role="user", content="x")
    bad.content = "\ud800"

    with pytest.raises(InvalidMessageError):
        ChatMemoryBuffer.from_defaults(chat_history=[bad])


@pytest.mark.parametrize(
    "copied",
    [lambda buffer: pickle.loads(pickle.dumps(buffer)), copy.deepcopy],
    ids=["pickle", "deepcopy"],
)
def test_copies(call: Call, copied: Any) -> None:
    history = turns(2)
    buffer = ChatMemoryBuffer.from_defaults(
        100, tokenizer_fn=words, payload_fn=no_payload, chat_history=history
    )

    other = copied(buffer)  # before its history was added
    assert call(other, "get") == call(buffer, "get") == history
    call(other, "put", numbered("user", 99))
    again = copied(other)
    assert call(again, "get_all") == call(other, "get_all") == [*history, numbered("user", 99)]
    assert call(buffer, "get_all") == history
    assert (again.token_limit, again.chat_store_key) == (100, KEY)


def test_a_shallow_copy_shares_the_store() -> None:
    buffer = ChatMemoryBuffer(tokenizer_fn=words)
    copy.copy(buffer).put(numbered("user", 1))

    assert buffer.get_all() == [numbered("user", 1)]


@pytest.mark.parametrize("name", ["tokenizer_fn", "payload_fn"])
def test_a_function_that_cannot_be_pickled_is_named(name: str) -> None:
    options: Any = {"tokenizer_fn": words, name: lambda _: []}

    with pytest.raises(TypeError, match=f"{name} cannot be pickled"):
        pickle.dumps(ChatMemoryBuffer(**options))
    copy.deepcopy(ChatMemoryBuffer(**options)).get()


def no_payload(message: ChatMessage) -> None:
    """Send the message's own fields."""
