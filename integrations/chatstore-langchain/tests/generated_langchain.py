"""Strategies for every kind of LangChain's messages."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    ChatMessage,
    FunctionMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)

TEXT = st.text(st.characters(codec="utf-8"), max_size=5)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-99, 99) | st.floats(-9, 9) | TEXT,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXT, inner, max_size=2),
    max_leaves=3,
)
OBJECT = st.dictionaries(TEXT, JSON, max_size=2)
MAYBE = st.none() | TEXT
MEDIA = st.fixed_dictionaries(
    {"type": st.sampled_from(["image", "audio", "video", "file"])},
    optional={
        "url": st.just("https://example.org/a"),
        "base64": st.just("AAAA"),
        "mime_type": st.sampled_from(["image/png", "application/pdf"]),
    },
)
BLOCKS = st.one_of(
    TEXT,
    st.fixed_dictionaries({"type": st.just("text"), "text": TEXT}),
    st.fixed_dictionaries(
        {"type": st.just("reasoning"), "reasoning": TEXT},
        optional={"extras": st.builds(dict, signature=TEXT)},
    ),
    st.fixed_dictionaries(
        {"type": st.just("thinking"), "thinking": TEXT}, optional={"signature": TEXT}
    ),
    st.fixed_dictionaries(
        {
            "type": st.just("image_url"),
            "image_url": st.builds(dict, url=st.just("https://example.org/a.png")),
        }
    ),
    MEDIA,
    st.fixed_dictionaries({"type": st.just("non_standard"), "value": OBJECT}),
)
CALLS = st.lists(
    st.builds(
        lambda name, args, id: {"name": name, "args": args, "id": id, "type": "tool_call"},  # noqa: A006
        TEXT,
        OBJECT,
        MAYBE,
    ),
    max_size=2,
)
INVALID = st.lists(
    st.builds(
        lambda name, args, id, error: {  # noqa: A006 - LangChain's name
            "name": name,
            "args": args,
            "id": id,
            "error": error,
            "type": "invalid_tool_call",
        },
        MAYBE,
        MAYBE,
        MAYBE,
        MAYBE,
    ),
    max_size=1,
)
USAGE = st.none() | st.builds(
    lambda sent, received: {
        "input_tokens": sent,
        "output_tokens": received,
        "total_tokens": sent + received,
    },
    st.integers(0, 99),
    st.integers(0, 99),
)
COMMON = {
    "content": TEXT | st.lists(BLOCKS, max_size=3),
    "additional_kwargs": OBJECT,
    "response_metadata": OBJECT,
    "name": MAYBE,
    "id": st.none() | st.uuids().map(str),
}


def messages() -> Any:
    """Return a strategy of messages of any kind."""
    return st.one_of(
        st.builds(HumanMessage, **COMMON),
        st.builds(SystemMessage, **COMMON),
        st.builds(
            SystemMessage,
            content=TEXT,
            additional_kwargs=st.just({"__openai_role__": "developer"}),
        ),
        st.builds(
            AIMessage, tool_calls=CALLS, invalid_tool_calls=INVALID, usage_metadata=USAGE, **COMMON
        ),
        st.builds(AIMessageChunk, **COMMON),
        st.builds(
            ToolMessage,
            tool_call_id=TEXT,
            artifact=JSON,
            status=st.sampled_from(["success", "error"]),
            **COMMON,
        ),
        st.builds(FunctionMessage, **COMMON | {"name": TEXT}),
        st.builds(ChatMessage, role=TEXT | st.just("assistant"), **COMMON),
    )


def conversations() -> Any:
    """Return a strategy of conversations: any messages in any order, each id once."""
    return st.lists(messages(), max_size=4, unique_by=lambda message: message.id or id(message))
