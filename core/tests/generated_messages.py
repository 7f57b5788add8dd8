"""Messages as a store accepts them, even unusual ones, and conversations that are complete."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from chatstore.core import ChatMessage, MessageRole, SimpleChatStore
from chatstore.core.memory.window import arranged

TEXT = st.text(st.characters(codec="utf-8"), max_size=5)
NAMES = st.sampled_from(["a", "b", "", "a.b:0"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-99, 99) | TEXT,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXT, inner, max_size=2),
    max_leaves=3,
)
OBJECTS = st.dictionaries(TEXT, JSON, max_size=2)
DATA = st.sampled_from(["AAAA", "", "QUJD" * 30])
TYPES = st.sampled_from(["image/png", "image/bmp", "audio/mpeg", "text/plain", "application/pdf"])
MEDIA = st.fixed_dictionaries(
    {"type": st.sampled_from(["image", "audio", "video", "document"])},
    optional={
        "url": st.none() | st.just("https://example.org/a"),
        "data": st.none() | DATA,
        "media_type": st.none() | TYPES,
    },
)
SIMPLE_BLOCKS = [
    st.fixed_dictionaries({"type": st.just("text"), "text": TEXT}),
    st.fixed_dictionaries(
        {"type": st.just("thinking"), "thinking": TEXT}, optional={"signature": st.none() | TEXT}
    ),
    MEDIA,
    st.builds(lambda url: {"type": "image_url", "image_url": {"url": url}}, TEXT),
    st.builds(
        lambda data, kind: {"type": "input_audio", "input_audio": {"data": data, "format": kind}},
        DATA,
        st.sampled_from(["mp3", "wav"]),
    ),
    st.builds(lambda text: {"type": "refusal", "refusal": text}, TEXT),
    st.just({"type": "redacted_thinking", "data": "x"}),
]
RESULTS = st.fixed_dictionaries(
    {"type": st.just("tool_result")},
    optional={
        "tool_use_id": NAMES,
        "content": st.lists(st.one_of(*SIMPLE_BLOCKS), max_size=2) | TEXT,
        "is_error": st.booleans(),
    },
)
CALL_BLOCKS = st.fixed_dictionaries(
    {"type": st.just("tool_call"), "id": NAMES, "name": st.sampled_from(["f", "g"])},
    optional={"arguments": TEXT | OBJECTS},
)
CALLS = st.builds(
    lambda call_id, name, arguments: {
        "id": call_id,
        "type": "function",
        "function": {"name": name, "arguments": arguments},
    },
    NAMES,
    st.sampled_from(["f", "g"]),
    TEXT | st.just('{"x": 1}'),
)
KWARGS = st.fixed_dictionaries(
    {},
    optional={
        "tool_calls": st.lists(CALLS, max_size=2),
        "tool_call_id": NAMES,
        "refusal": st.none() | TEXT,
        "name": st.sampled_from(["f", "g"]),
    },
)
MESSAGES = st.builds(
    ChatMessage,
    role=st.sampled_from(list(MessageRole)),
    content=st.none()
    | TEXT
    | st.lists(st.one_of(*SIMPLE_BLOCKS, RESULTS, CALL_BLOCKS), max_size=3),
    additional_kwargs=KWARGS,
    id=st.none() | st.uuids().map(str),
    metadata=OBJECTS,
)
"""Any message with values of the right types."""


def complete(messages: list[ChatMessage]) -> list[ChatMessage]:
    """Return what a provider accepts of messages: calls with results, after a question."""
    return arranged([ChatMessage(role="user", content="q"), *messages], newest=False)


CONVERSATIONS: Any = st.lists(MESSAGES, max_size=6).map(complete)
"""Conversations in which each call has a result."""


def stored(messages: list[ChatMessage]) -> list[ChatMessage]:
    """Return messages as a store returns them."""
    with SimpleChatStore() as store:
        store.set_messages("k", messages)
        return store.get_messages("k")
