"""Messages that were changed after construction are stored as they are, or refused."""

from __future__ import annotations

import enum
import sys
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from processor_time import seconds
from pydantic import ConfigDict, PrivateAttr

from chatstore.core import (
    ChatMessage,
    ContentBlock,
    DocumentBlock,
    ImageBlock,
    InvalidMessageError,
    MessageRole,
    SimpleChatStore,
    TextBlock,
    ToolCallBlock,
)
from chatstore.core.codec import decode, encode

NOW = datetime(2026, 11, 23, tzinfo=timezone.utc).isoformat()


def made(content: Any = "hi") -> ChatMessage:
    """Return a user's message."""
    return ChatMessage(role="user", content=content)


def changed(change: Callable[[ChatMessage], object], content: Any = "hi") -> ChatMessage:
    """Return a message that was changed after construction."""
    message = made(content)
    change(message)
    return message


def blocks(message: ChatMessage) -> list[Any]:
    """Return the content's blocks."""
    assert isinstance(message.content, list)
    return message.content


def kwargs(message: ChatMessage) -> dict[str, Any]:
    """Return the additional kwargs."""
    return message.additional_kwargs


TEXT = [{"type": "text", "text": "x"}]
CALL = [{"type": "tool_call", "id": "c", "name": "f"}]
UNKNOWN = [{"type": "hologram", "depth": [1]}]

KEPT: dict[str, Callable[[], ChatMessage]] = {
    "kwargs filled later": lambda: changed(lambda m: kwargs(m).update(trace_id="abc")),
    "nested kwargs": lambda: changed(lambda m: kwargs(m).setdefault("a", {}).update(b=[1])),
    "kwargs replaced": lambda: changed(lambda m: setattr(m, "additional_kwargs", {"a": None})),
    "content set": lambda: changed(lambda m: setattr(m, "content", None)),
    "a block more": lambda: changed(lambda m: blocks(m).append(TextBlock(text="y")), TEXT),
    "no blocks left": lambda: changed(lambda m: blocks(m).clear(), TEXT),
    "a block's field": lambda: changed(lambda m: setattr(blocks(m)[0], "text", "y"), TEXT),
    "a block's further field": lambda: changed(
        lambda m: setattr(blocks(m)[0], "cache_control", {"type": "ephemeral"}), TEXT
    ),
    "arguments filled later": lambda: changed(lambda m: blocks(m)[0].arguments.update(x=1), CALL),
    "arguments replaced": lambda: changed(lambda m: setattr(blocks(m)[0], "arguments", "{"), CALL),
    "a list in an unknown block": lambda: changed(lambda m: blocks(m)[0].depth.append(2), UNKNOWN),
    "an unknown block's kind": lambda: changed(
        lambda m: setattr(blocks(m)[0], "type", "cube"), UNKNOWN
    ),
    "media": lambda: made([ImageBlock(url="u", data=None), DocumentBlock(name="a.pdf")]),
    "a copy": lambda: made(TEXT).model_copy(update={"content": "other"}, deep=True),
    "constructed": lambda: ChatMessage.model_construct(role="user", content="hi"),
    "constructed without fields that are set": lambda: ChatMessage.model_construct(
        set(), role="user", content="hi", additional_kwargs={"a": 1}
    ),
    "constructed blocks": lambda: ChatMessage.model_construct(
        role="user", content=[TextBlock.model_construct(type="text", text="x")]
    ),
    "a subclass that adds nothing": lambda: type("Mine", (ChatMessage,), {})(
        role="user", content="hi"
    ),
    "a list of a subclass": lambda: changed(
        lambda m: setattr(m, "content", type("Mine", (list,), {})([TextBlock(text="x")]))
    ),
    "a role by name": lambda: changed(lambda m: setattr(m, "role", "tool")),
    "a time": lambda: changed(
        lambda m: setattr(m, "created_at", datetime.now(timezone(timedelta(hours=-3, minutes=-30))))
    ),
    "metadata filled later": lambda: changed(lambda m: m.metadata.update(usage={"tokens": 1})),
    "metadata replaced": lambda: changed(lambda m: setattr(m, "metadata", {"": None})),
}


class Kind(enum.Enum):
    """An enumeration that is not of strings."""

    ONE = 1


class WithField(ChatMessage):
    """A message with an additional field."""

    score: int = 0


class WithPrivate(ChatMessage):
    """A message with a private attribute."""

    _score: int = PrivateAttr(default=1)


class WithExtra(ChatMessage):
    """A message with any fields."""

    model_config = ConfigDict(extra="allow")


class Marked(TextBlock):
    """A block of a subclass with a field of its own."""

    type: str = "marked"  # type: ignore[assignment]
    mark: int = 1


REFUSED: dict[str, Callable[[], object]] = {
    "a subclass's field": lambda: WithField(role=MessageRole.USER, content="hi", score=3),
    "a subclass's default": lambda: WithField(role=MessageRole.USER, content="hi"),
    "a subclass's private attribute": lambda: WithPrivate(role=MessageRole.USER, content="hi"),
    "a subclass's extra": lambda: WithExtra.model_validate(
        {"role": "user", "content": "hi", "mood": "good"}
    ),
    "an attribute": lambda: changed(lambda m: object.__setattr__(m, "mood", "good")),
    "a copy with more": lambda: made().model_copy(update={"mood": "good"}),
    "a field deleted": lambda: changed(lambda m: vars(m).pop("content")),
    "constructed without a role": lambda: ChatMessage.model_construct(content="hi"),
    "a tuple of blocks": lambda: changed(lambda m: setattr(m, "content", (TextBlock(text="x"),))),
    "a dict among blocks": lambda: changed(lambda m: blocks(m).append(TEXT[0]), TEXT),
    "bytes for content": lambda: changed(lambda m: setattr(m, "content", b"x")),
    "a number for content": lambda: changed(lambda m: setattr(m, "content", 5)),
    "a role": lambda: changed(lambda m: setattr(m, "role", "boss")),
    "no kwargs": lambda: changed(lambda m: setattr(m, "additional_kwargs", None)),
    "a list of kwargs": lambda: changed(lambda m: setattr(m, "additional_kwargs", [])),
    "a tuple in kwargs": lambda: changed(lambda m: kwargs(m).update(a=(1,))),
    "an enumeration in kwargs": lambda: changed(lambda m: kwargs(m).update(a=Kind.ONE)),
    "a message in kwargs": lambda: changed(lambda m: kwargs(m).update(a=made())),
    "a time in kwargs": lambda: changed(lambda m: kwargs(m).update(a=datetime.now(timezone.utc))),
    "no metadata": lambda: changed(lambda m: setattr(m, "metadata", None)),
    "a list of metadata": lambda: changed(lambda m: setattr(m, "metadata", [])),
    "a tuple in metadata": lambda: changed(lambda m: vars(m)["metadata"].update(a=(1,))),
    "nan in metadata": lambda: changed(lambda m: m.metadata.update(a=float("nan"))),
    "a number for text": lambda: changed(lambda m: setattr(blocks(m)[0], "text", 5), TEXT),
    "a block's kind": lambda: changed(lambda m: setattr(blocks(m)[0], "type", "image"), TEXT),
    "an unknown kind that is known": lambda: changed(
        lambda m: setattr(blocks(m)[0], "type", "text"), UNKNOWN
    ),
    "a tuple in a block": lambda: changed(lambda m: setattr(blocks(m)[0], "x", (1,)), TEXT),
    "nan in a block": lambda: changed(lambda m: setattr(blocks(m)[0], "x", float("nan")), TEXT),
    "a list for arguments": lambda: changed(lambda m: setattr(blocks(m)[0], "arguments", []), CALL),
    "no arguments": lambda: changed(lambda m: setattr(blocks(m)[0], "arguments", None), CALL),
    "a constructed block": lambda: ChatMessage.model_construct(
        role="user", content=[TextBlock.model_construct(text=5)]
    ),
    "a block of a subclass": lambda: ChatMessage.model_construct(
        role="user", content=[Marked(text="x")]
    ),
    "an unknown block of a subclass's kind": lambda: ChatMessage.model_construct(
        role="user", content=[ContentBlock.model_construct(type="marked")]
    ),
    "a time without a zone": lambda: changed(
        lambda m: setattr(m, "created_at", datetime(2026, 1, 1))  # noqa: DTZ001 - it is refused
    ),
    "a zone of seconds": lambda: changed(
        lambda m: setattr(m, "created_at", datetime.now(timezone(timedelta(seconds=30))))
    ),
    "a text for a time": lambda: changed(lambda m: setattr(m, "created_at", NOW)),
    "a number for an id": lambda: changed(lambda m: setattr(m, "id", 5)),
}


@pytest.mark.parametrize("name", KEPT)
def test_what_json_can_hold_comes_back(name: str) -> None:
    message, store = KEPT[name](), SimpleChatStore()
    store.add_message("k", message)
    [returned] = store.get_messages("k")

    assert (returned, type(returned)) == (message, ChatMessage)
    assert returned.metadata == message.metadata
    if message.created_at is not None:
        assert returned.created_at == message.created_at
    store.add_message("k", message.model_copy(update={"id": returned.id}))  # adding it again
    assert store.count_messages("k") == 1


@pytest.mark.parametrize("name", REFUSED)
def test_what_would_be_lost_is_refused(name: str) -> None:
    store = SimpleChatStore()

    with pytest.raises(InvalidMessageError) as caught:
        store.add_message("k", REFUSED[name]())  # type: ignore[arg-type]
    assert "good" not in f"{caught.value} {caught.value.__cause__}"
    assert store.count_messages("k") == 0


def test_the_error_names_what_would_be_lost() -> None:
    with pytest.raises(InvalidMessageError, match="'score'"):
        encode(WithField(role=MessageRole.USER, content="hi", score=3), NOW)


ANY = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.binary()
    | st.sampled_from([Kind.ONE, made(), {1, 2}]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text() | st.integers(), inner, max_size=3)
        | st.tuples(inner)
    ),
    max_leaves=6,
)
NAMES = st.sampled_from(["type", "text", "id", "name", "arguments", "url", "data", "more"])
KINDS = st.sampled_from([ContentBlock, TextBlock, ImageBlock, ToolCallBlock])


@given(
    st.lists(
        st.tuples(KINDS, st.dictionaries(NAMES, ANY | st.sampled_from(["text", "x"]), max_size=4))
    ),
    st.dictionaries(st.text(), ANY, max_size=2),
)
def test_anything_comes_back_equal_or_is_refused(
    content: list[tuple[type[ContentBlock], dict[str, Any]]], kwargs: dict[str, Any]
) -> None:
    message = ChatMessage.model_construct(
        role="user",
        content=[kind.model_construct(**fields) for kind, fields in content],
        additional_kwargs=kwargs,
    )
    try:
        record = encode(message, NOW)
    except InvalidMessageError:
        return
    assert decode("k", 0, record.body) == message


@pytest.mark.parametrize("depth", range(190, 270))
def test_deep_values_come_back_or_are_refused(depth: int) -> None:
    value: Any = "x"
    for _ in range(depth):
        value = [value]
    for message in (made(), made(TEXT)):
        if message.content == "hi":
            message.additional_kwargs["a"] = value
        else:
            blocks(message)[0].more = value
        try:
            record = encode(message, NOW)
        except InvalidMessageError:
            continue
        assert decode("k", 0, record.body) == message


@pytest.mark.skipif(sys.gettrace() is not None, reason="coverage slows down Python, not pydantic")
@pytest.mark.parametrize("unit", [TEXT, CALL, UNKNOWN], ids=["text", "call", "unknown"])
def test_many_blocks_are_stored_faster_than_they_are_made(unit: list[dict[str, Any]]) -> None:
    message = made(unit * 10_000)

    def read() -> object:
        return ChatMessage.model_validate_json(text)

    text = message.model_dump_json()
    assert seconds(lambda: encode(message, NOW)) < 2 * seconds(read)
