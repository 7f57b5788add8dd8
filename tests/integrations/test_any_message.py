"""Each framework reads every message that a store accepts, even unusual ones."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatstore.core import ChatMessage, MessageRole, SimpleChatStore
from chatstore.haystack import to_haystack
from chatstore.langchain import to_langchain
from chatstore.llama_index import to_llama_index
from chatstore.openai_agents import to_items
from chatstore.pydantic_ai import to_model_messages
from chatstore.strands import to_strands

TEXT = st.text(st.characters(codec="utf-8"), max_size=5)
NAMES = st.sampled_from(["a", "b", ""])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-99, 99) | TEXT,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXT, inner, max_size=2),
    max_leaves=3,
)
FUNCTION = st.fixed_dictionaries({}, optional={"name": NAMES | JSON, "arguments": TEXT | JSON})
CALL = st.fixed_dictionaries({}, optional={"id": NAMES | JSON, "function": FUNCTION | JSON})
PAYLOADS = st.fixed_dictionaries({}, optional={"payload": JSON, "common": TEXT}) | JSON
FRAMEWORKS = [
    "openai_agents",
    "pydantic_ai",
    "haystack",
    "llama_index",
    "langchain",
    "strands",
    "other",
]
KWARGS = st.fixed_dictionaries(
    {},
    optional={
        "tool_calls": st.lists(CALL | JSON, max_size=2) | JSON,
        "function_call": FUNCTION | JSON,
        "tool_call_id": NAMES | JSON,
        "name": NAMES | JSON,
        "chatstore.payload": st.dictionaries(st.sampled_from(FRAMEWORKS), PAYLOADS, max_size=2)
        | JSON,
    },
)
MEDIA = {"url": st.none() | TEXT, "data": st.none() | TEXT, "media_type": st.none() | TEXT}
SIMPLE_BLOCKS = [
    st.fixed_dictionaries({"type": st.just("text"), "text": TEXT}),
    st.fixed_dictionaries({"type": st.just("thinking"), "thinking": TEXT}),
    st.fixed_dictionaries(
        {"type": st.sampled_from(["image", "audio", "video", "document"])}, optional=MEDIA
    ),
    st.fixed_dictionaries(
        {"type": st.just("tool_call"), "id": NAMES, "name": NAMES},
        optional={"arguments": TEXT | st.dictionaries(TEXT, JSON, max_size=2)},
    ),
    st.fixed_dictionaries(
        {"type": st.sampled_from(["tool_use", "new"])},
        optional={"id": NAMES | JSON, "name": JSON, "input": JSON},
    ),
]
BLOCKS = st.one_of(
    *SIMPLE_BLOCKS,
    st.fixed_dictionaries(
        {"type": st.just("tool_result")},
        optional={
            "tool_use_id": NAMES | JSON,
            "content": st.lists(st.one_of(*SIMPLE_BLOCKS), max_size=2) | JSON,
        },
    ),
)
MESSAGES = st.builds(
    ChatMessage,
    role=st.sampled_from(list(MessageRole)),
    content=st.none() | TEXT | st.lists(BLOCKS, max_size=3),
    additional_kwargs=KWARGS,
)


@pytest.mark.parametrize(
    "read",
    [to_items, to_model_messages, to_haystack, to_llama_index, to_langchain, to_strands],
)
def test_any_message_is_read(read: Any) -> None:
    @given(st.lists(MESSAGES, max_size=4))
    def check(messages: Any) -> None:
        with SimpleChatStore() as store:
            store.add_messages("k", messages)
            read(store.get_messages("k"))

    check()
