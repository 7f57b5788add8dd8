"""Strategies for LlamaIndex's messages, with every kind of block."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from llama_index.core.base.llms.types import (
    AudioBlock,
    CacheControl,
    CachePoint,
    ChatMessage,
    CitableBlock,
    CitationBlock,
    DocumentBlock,
    ImageBlock,
    MessageRole,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
    VideoBlock,
)

TEXT = st.text(st.characters(codec="utf-8"), max_size=5)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-99, 99) | st.floats(-9, 9) | TEXT,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXT, inner, max_size=2),
    max_leaves=3,
)
OBJECT = st.dictionaries(TEXT, JSON, max_size=2)
DATA = st.none() | st.binary(min_size=1, max_size=8)
URL = st.none() | st.sampled_from(["https://example.org/a", "https://example.org/b.png"])
MAYBE = st.none() | TEXT
TEXTS = st.builds(TextBlock, text=TEXT)
IMAGES = st.builds(
    ImageBlock, image=DATA, url=URL, image_mimetype=st.sampled_from([None, "image/png"])
)
DOCUMENTS = st.builds(
    DocumentBlock,
    data=st.binary(min_size=1, max_size=8),
    url=URL,
    title=MAYBE,
    document_mimetype=st.sampled_from([None, "application/pdf"]),
)
BLOCKS = [
    TEXTS,
    IMAGES,
    DOCUMENTS,
    st.builds(AudioBlock, audio=DATA, url=URL, format=st.sampled_from([None, "wav"])),
    st.builds(VideoBlock, video=DATA, url=URL, fps=st.none() | st.integers(1, 60)),
    st.builds(CachePoint, cache_control=st.builds(CacheControl, type=TEXT)),
    st.builds(
        CitableBlock,
        title=TEXT,
        source=TEXT,
        content=st.lists(st.one_of(TEXTS, IMAGES, DOCUMENTS), max_size=2),
    ),
    st.builds(
        CitationBlock,
        cited_content=TEXTS | IMAGES,
        source=TEXT,
        title=TEXT,
        additional_location_info=st.dictionaries(TEXT, st.integers(0, 9), max_size=2),
    ),
    st.builds(
        ThinkingBlock,
        content=MAYBE,
        num_tokens=st.none() | st.integers(0, 9),
        additional_information=OBJECT | st.builds(dict, signature=TEXT),
    ),
    st.builds(ToolCallBlock, tool_call_id=MAYBE, tool_name=TEXT, tool_kwargs=OBJECT | TEXT),
]
KWARGS = st.fixed_dictionaries(
    {}, optional={"tool_call_id": TEXT, "name": TEXT, "tool_calls": JSON, "other": JSON}
)


def messages() -> Any:
    """Return a strategy of messages of any kind."""
    return st.builds(
        ChatMessage,
        role=st.sampled_from(list(MessageRole)),
        blocks=st.lists(st.one_of(*BLOCKS), max_size=3),
        additional_kwargs=KWARGS,
    )


def conversations() -> Any:
    """Return a strategy of conversations: any messages in any order."""
    return st.lists(messages(), max_size=4)
