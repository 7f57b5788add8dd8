"""Strategies for Haystack's messages, with every kind of part."""

from __future__ import annotations

import base64
from typing import Any

from haystack.dataclasses import (
    ChatMessage,
    ChatRole,
    FileContent,
    ImageContent,
    ReasoningContent,
    TextContent,
    ToolCall,
    ToolCallResult,
)
from hypothesis import strategies as st

TEXT = st.text(st.characters(codec="utf-8"), max_size=5)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-99, 99) | TEXT,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXT, inner, max_size=2),
    max_leaves=3,
)
OBJECTS = st.dictionaries(TEXT, JSON, max_size=2)
DATA = st.binary(max_size=4).map(lambda data: base64.b64encode(data).decode())
TEXTS = st.builds(TextContent, TEXT)
IMAGES = st.builds(
    ImageContent,
    DATA,
    st.sampled_from([None, "image/png"]),
    st.sampled_from([None, "auto", "high", "low"]),
    OBJECTS,
    validation=st.just(False),
)
FILES = st.builds(
    FileContent,
    DATA,
    st.sampled_from([None, "application/pdf", "audio/wav", "video/mp4"]),
    st.none() | TEXT,
    OBJECTS,
    validation=st.just(False),
)
CALLS = st.builds(ToolCall, TEXT, OBJECTS, st.none() | TEXT, st.none() | OBJECTS)
RESULTS = st.builds(
    ToolCallResult, TEXT | st.lists(TEXTS | IMAGES | FILES, max_size=2), CALLS, st.booleans()
)
REASONING = st.builds(ReasoningContent, TEXT, OBJECTS)
PARTS = {
    ChatRole.USER: TEXTS | IMAGES | FILES,
    ChatRole.SYSTEM: TEXTS,
    ChatRole.ASSISTANT: TEXTS | REASONING | CALLS | IMAGES,
    ChatRole.TOOL: RESULTS,
}


@st.composite
def haystack_messages(draw: Any) -> Any:
    role = draw(st.sampled_from(list(PARTS)))
    parts = draw(st.lists(PARTS[role], max_size=3))
    meta = {key: value for key, value in draw(OBJECTS).items() if key != "chat_message_id"}
    return ChatMessage(role, parts, draw(st.none() | TEXT), meta)


def conversations() -> Any:
    """Return a strategy of lists of messages."""
    return st.lists(haystack_messages(), max_size=4)
