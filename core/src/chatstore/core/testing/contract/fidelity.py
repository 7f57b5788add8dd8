"""Messages are read as they were written; values that JSON cannot represent are refused."""

from datetime import datetime, timezone
from typing import Any

import pytest

from chatstore.core import ChatMessage, ChatStore, InvalidMessageError, MessageRole
from chatstore.core.testing.contract.base import Base
from chatstore.core.testing.contract.modes import Caller
from chatstore.core.testing.messages import message

CONTENTS: list[Any] = [
    None, "", "a\0b", "\U0001f600 \u00e9 e\u0301 \u2028", "\r\n\t\"\\'", [],
    [{"type": "text", "text": ""}],
    [{"type": "hologram", "depth": 3, "parts": [None, {"a": 1.5}]}],
    [{"type": "tool_call", "id": "c", "name": "f", "arguments": {"x": [1, None]}}],
]  # fmt: skip
EXTRAS: list[Any] = [
    2**53 + 1, -(2**63), 10**40, 0.1, 1e300, -0.5, True, None, "", [], {}, "1",
    {"a": [{"b": {"c": [1, 2.5, "\0", None]}}]}, {"": "empty name", "\0": 1},
]  # fmt: skip


class Fidelity(Base):
    @pytest.mark.parametrize("content", CONTENTS, ids=range(len(CONTENTS)))
    def test_content_comes_back(self, store: ChatStore, call: Caller, content: Any) -> None:
        message = ChatMessage(role=MessageRole.ASSISTANT, content=content)
        call(store, "add_message", "k", message)
        [got] = call(store, "get_messages", "k")
        assert got == message
        assert got.model_dump()["content"] == message.model_dump()["content"]

    @pytest.mark.parametrize("value", EXTRAS, ids=range(len(EXTRAS)))
    def test_additional_kwargs_come_back(self, store: ChatStore, call: Caller, value: Any) -> None:
        call(store, "set_messages", "k", [message("a", additional_kwargs={"x": value})])
        [got] = call(store, "get_messages", "k")
        assert got.additional_kwargs == {"x": value}
        assert type(got.additional_kwargs["x"]) is type(value)

    @pytest.mark.parametrize("value", EXTRAS, ids=range(len(EXTRAS)))
    def test_metadata_comes_back(self, store: ChatStore, call: Caller, value: Any) -> None:
        call(store, "add_message", "k", message("a", metadata={"x": value}))
        [got] = call(store, "get_messages", "k")
        assert got.metadata == {"x": value}
        assert type(got.metadata["x"]) is type(value)
        assert got.additional_kwargs == {}

    def test_only_put_message_changes_metadata(self, store: ChatStore, call: Caller) -> None:
        call(store, "add_message", "k", message("a", id="m", metadata={"x": 1}))
        call(store, "add_message", "k", message("a", id="m", metadata={"x": 2}))
        assert [got.metadata for got in call(store, "get_messages", "k")] == [{"x": 1}]
        call(store, "put_message", "k", message("a", id="m", metadata={"x": 3}))
        assert [got.metadata for got in call(store, "get_messages", "k")] == [{"x": 3}]

    @pytest.mark.parametrize("role", list(MessageRole))
    def test_role_id_and_time_come_back(
        self, store: ChatStore, call: Caller, role: MessageRole
    ) -> None:
        when = datetime(2024, 2, 29, 12, 34, 56, 123456, timezone.utc)
        message = ChatMessage(role=role, content="a", id="\u00e9/#1", created_at=when)
        call(store, "add_message", "k", message)
        [got] = call(store, "get_messages", "k")
        assert (got.role, got.id, got.created_at) == (role, message.id, message.created_at)

    @pytest.mark.parametrize(
        "value", [float("nan"), float("inf"), b"a", "\ud800", (1,), {1: 2}, {1}],
        ids=["nan", "inf", "bytes", "surrogate", "tuple", "int-name", "set"],
    )  # fmt: skip
    @pytest.mark.parametrize("name", ["add_message", "set_messages"])
    def test_what_json_cannot_hold_is_refused(
        self, store: ChatStore, call: Caller, name: str, value: Any
    ) -> None:
        call(store, "add_message", "k", message("a"))
        bad = message("b")
        bad.additional_kwargs["x"] = [value]
        with pytest.raises(InvalidMessageError):
            call(store, name, "k", [bad] if name == "set_messages" else bad)
        assert call(store, "get_messages", "k") == [message("a")]

    def test_callers_message_is_not_changed(self, store: ChatStore, call: Caller) -> None:
        original = message("a", additional_kwargs={"x": [1]})
        before = original.model_dump()
        call(store, "add_message", "k", original)
        assert original.model_dump() == before
        original.additional_kwargs["x"] = 2
        [stored] = call(store, "get_messages", "k")
        assert stored.additional_kwargs == {"x": [1]}

    def test_what_was_set_later_is_stored(self, store: ChatStore, call: Caller) -> None:
        """A message is stored as it is now, not as it was constructed."""
        bare = ChatMessage(role=MessageRole.USER)
        bare.additional_kwargs["x"] = {"y": [1]}
        bare.content = "later"
        inner: list[Any] = []
        changed = message("a", id="old")
        changed.additional_kwargs["x"] = {"y": inner}
        inner.append(1)
        changed.role, changed.content, changed.id = MessageRole.ASSISTANT, None, "new"
        call(store, "add_messages", "k", [bare, changed])
        got = call(store, "get_messages", "k")
        assert got == [bare, changed]
        assert [m.additional_kwargs for m in got] == [{"x": {"y": [1]}}] * 2
        assert got[1].id == "new"
        assert got[1].role is MessageRole.ASSISTANT

    def test_returned_messages_are_copies(self, store: ChatStore, call: Caller) -> None:
        call(store, "add_message", "k", message("a"))
        [first] = call(store, "get_messages", "k")
        first.content = "changed"
        assert call(store, "get_messages", "k") == [message("a")]

    def test_store_gives_id_and_time(self, store: ChatStore, call: Caller) -> None:
        call(store, "add_messages", "k", [message("a"), message("a")])
        one, two = call(store, "get_messages", "k")
        assert one.id
        assert two.id
        assert one.id != two.id
        assert one.created_at is not None
        assert call(store, "get_messages", "k")[0].id == one.id
