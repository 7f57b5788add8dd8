"""Hypothesis strategies: conversations as Strands could hold them."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

TEXT = st.text(st.characters(codec="utf-8"), max_size=8)
NAMES = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=6)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-99, 99) | TEXT,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXT, inner, max_size=2),
    max_leaves=3,
)
SOURCES = st.fixed_dictionaries({"bytes": st.binary(max_size=8)}) | st.builds(
    lambda name: {"location": {"type": "s3", "uri": f"s3://bucket/{name}"}}, NAMES
)


def _media(kind: str, *formats: str) -> Any:
    fields: dict[str, Any] = {"format": st.sampled_from(formats), "source": SOURCES}
    if kind == "document":
        fields["name"] = NAMES
    return st.fixed_dictionaries({kind: st.fixed_dictionaries(fields)})


IMAGES = _media("image", "png", "jpeg", "gif", "webp")
DOCUMENTS = _media("document", "pdf", "txt", "md", "csv")
TEXTS = st.fixed_dictionaries({"text": TEXT})
CACHE_POINTS = st.just({"cachePoint": {"type": "default"}})
IN_RESULTS = TEXTS | IMAGES | DOCUMENTS | st.fixed_dictionaries({"json": JSON})
RESULTS = st.fixed_dictionaries(
    {
        "toolUseId": NAMES,
        "status": st.sampled_from(["success", "error"]),
        "content": st.lists(IN_RESULTS, max_size=2),
    }
)
GUARDED = st.fixed_dictionaries({"guardContent": st.fixed_dictionaries({"text": TEXTS})})
OF_USER = st.one_of(
    TEXTS,
    IMAGES,
    DOCUMENTS,
    _media("audio", "mp3", "wav"),
    _media("video", "mp4", "three_gp"),
    CACHE_POINTS,
    GUARDED,
    st.fixed_dictionaries({"toolResult": RESULTS}),
)
REASONING = st.one_of(
    st.fixed_dictionaries(
        {"reasoningText": st.fixed_dictionaries({"text": TEXT}, optional={"signature": NAMES})}
    ),
    st.fixed_dictionaries({"redactedContent": st.binary(max_size=8)}),
)
CALLS = st.fixed_dictionaries(
    {"toolUseId": NAMES, "name": NAMES, "input": st.dictionaries(TEXT, JSON, max_size=2)},
    optional={"reasoningSignature": NAMES},
)
CITATIONS = st.fixed_dictionaries(
    {"citations": st.just([{"title": "t"}]), "content": st.lists(TEXTS, max_size=1)}
)
OF_ASSISTANT = st.one_of(
    TEXTS,
    st.fixed_dictionaries({"reasoningContent": REASONING}),
    st.fixed_dictionaries({"toolUse": CALLS}),
    st.fixed_dictionaries({"citationsContent": CITATIONS}),
)
USAGE = {"usage": {"inputTokens": 1, "outputTokens": 2, "totalTokens": 3}}


def _message(role: str, content: Any) -> Any:
    return st.fixed_dictionaries(
        {"role": st.just(role), "content": st.lists(content, min_size=1, max_size=3)},
        optional={
            "tracking_id": st.uuids().map(str),
            "metadata": st.just(USAGE) | st.just({"custom": {"a": 1}}),
        },
    )


MESSAGES = _message("user", OF_USER) | _message("assistant", OF_ASSISTANT)


def conversations() -> Any:
    """Return lists of messages, whose tracking ids differ."""
    return st.lists(
        MESSAGES, max_size=4, unique_by=lambda message: message.get("tracking_id") or id(message)
    )
