"""Stores refuse invalid arguments, and change nothing."""

from typing import Any

import pytest

from chatstore.core import (
    ChatStore,
    ChatStoreError,
    ConversationExistsError,
    ConversationNotFoundError,
    InvalidArgumentError,
    InvalidMessageError,
    MessageNotFoundError,
    RevisionConflictError,
)
from chatstore.core.cursors import write_cursor
from chatstore.core.testing.contract.base import Base
from chatstore.core.testing.contract.modes import Caller
from chatstore.core.testing.messages import message

_LARGE = {"a": "x" * 16_385}
# A call on a conversation "k", which has the messages "a" and "b"; "other" is its neighbour.
_BAD: list[tuple[str, tuple[Any, ...], dict[str, Any], type[ChatStoreError], str]] = [
    ("update_conversation", ("missing",), {"title": "x"}, ConversationNotFoundError, "no conv"),
    ("fork", ("missing", "new"), {}, ConversationNotFoundError, "no conversation"),
    ("truncate", ("k",), {"from_id": "c"}, MessageNotFoundError, "'c'"),
    ("truncate", ("missing",), {"from_id": "a"}, MessageNotFoundError, "'a'"),
    ("page_messages", ("k",), {"before": "c"}, MessageNotFoundError, "'c'"),
    ("page_messages", ("missing",), {"after": "a"}, MessageNotFoundError, "'a'"),
    ("fork", ("k", "new"), {"until": "c"}, MessageNotFoundError, "'c'"),
    ("fork", ("k", "k"), {}, InvalidArgumentError, "onto itself"),
    ("fork", ("k", "other"), {}, ConversationExistsError, "exists"),
    ("create_conversation", ("k",), {"owner": "bob"}, ConversationExistsError, "exists"),
    ("create_conversation", ("new",), {"owner": "x" * 256}, InvalidArgumentError, "256"),
    ("update_conversation", ("k",), {"owner": "x" * 256}, InvalidArgumentError, "256"),
    ("fork", ("k", "new"), {"owner": "ü" * 128}, InvalidArgumentError, "256"),
    ("list_conversations", (), {"owner": "x" * 256}, InvalidArgumentError, "256"),
    ("delete_conversations", (), {"owner": "x" * 256}, InvalidArgumentError, "256"),
    ("create_conversation", ("new",), {"metadata": _LARGE}, InvalidArgumentError, "16384"),
    ("update_conversation", ("k",), {"metadata": _LARGE}, InvalidArgumentError, "16384"),
    ("create_conversation", ("new",), {"metadata": {"a": {1}}}, InvalidArgumentError, "JSON"),
    ("update_conversation", ("k",), {"metadata": {"a": b""}}, InvalidArgumentError, "JSON"),
    ("update_conversation", ("k",), {"metadata": None}, InvalidArgumentError, "NoneType"),
    ("update_conversation", ("k",), {"title": "x" * 1001}, InvalidArgumentError, "1001"),
    ("put_message", ("k", message("x")), {}, InvalidMessageError, "with an id"),
    ("put_message", ("k", "text"), {}, InvalidMessageError, "str"),
    ("get_message", ("k", "x" * 256), {}, InvalidArgumentError, "256"),
    ("remove_message", ("k", 7), {}, InvalidArgumentError, "int"),
    ("page_messages", ("k",), {"before": "a", "after": "b"}, InvalidArgumentError, "not both"),
    ("page_messages", ("k",), {"limit": 0}, InvalidArgumentError, "at least 1"),
    ("snapshot", ("k",), {"last": -1}, InvalidArgumentError, "at least 0"),
    ("list_conversations", (), {"cursor": "x"}, InvalidArgumentError, "not a cursor"),
    ("add_message", ("k", message("x")), {"expected_revision": 7}, InvalidArgumentError, "int"),
]
_WRITES: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
    ("add_message", (message("x"),), {}),
    ("put_message", (message("x", id="a"),), {}),
    ("remove_message", ("a",), {}),
    ("truncate", (), {"from_id": "a"}),
    ("set_messages", ([],), {}),
    ("update_conversation", (), {"owner": "bob"}),
    ("delete_messages", (), {}),
]


class Arguments(Base):
    @pytest.mark.parametrize(
        ("name", "args", "kwargs"),
        [
            ("get_messages", (), {"last": -1}), ("get_messages", (), {"last": True}),
            ("get_messages", (), {"last": "1"}), ("delete_message", (True,), {}),
            ("delete_message", (1.0,), {}), ("add_message", (message("b"), "0"), {}),
            ("add_message", (message("b"), False), {}), ("add_message", ("text",), {}),
            ("set_messages", (["text"],), {}),
        ],
    )  # fmt: skip
    def test_nonsense_is_refused(
        self, store: ChatStore, call: Caller, name: str, args: Any, kwargs: Any
    ) -> None:
        call(store, "add_message", "k", message("a"))
        with pytest.raises(InvalidArgumentError):
            call(store, name, "k", *args, **kwargs)
        assert call(store, "get_messages", "k") == [message("a")]

    @pytest.mark.parametrize("size", [0, -1, True, "1"])
    def test_iterators_check_at_the_call(self, store: ChatStore, call: Caller, size: Any) -> None:
        with pytest.raises(InvalidArgumentError):
            call.iterate(store, "iter_messages", "k", page_size=size)
        with pytest.raises(InvalidArgumentError):
            call.iterate(store, "iter_keys", page_size=size)

    @pytest.mark.parametrize(("name", "args", "kwargs", "kind", "text"), _BAD)
    def test_bad_input_has_an_error_of_its_own(
        self,
        store: ChatStore,
        call: Caller,
        name: str,
        args: Any,
        kwargs: Any,
        kind: type[ChatStoreError],
        text: str,
    ) -> None:
        before = _prepare(store, call)
        with pytest.raises(ChatStoreError) as raised:
            call(store, name, *args, **kwargs)
        assert type(raised.value) is kind
        assert text in str(raised.value)
        assert _state(store, call) == before

    @pytest.mark.parametrize(("name", "args", "kwargs"), _WRITES)
    def test_a_revision_of_another_conversation_conflicts(
        self, store: ChatStore, call: Caller, name: str, args: Any, kwargs: Any
    ) -> None:
        before = _prepare(store, call)
        revision = call(store, "get_conversation", "other").revision
        with pytest.raises(RevisionConflictError) as raised:
            call(store, name, "k", *args, expected_revision=revision, **kwargs)
        assert raised.value.current_revision == call(store, "get_conversation", "k").revision
        assert _state(store, call) == before

    def test_cursors_of_other_stores_and_lists_are_refused(
        self, store: ChatStore, call: Caller
    ) -> None:
        before = _prepare(store, call)
        for key in "lm":
            call(store, "create_conversation", key, owner="ann")
        cursor = call(store, "list_conversations", owner="ann", limit=1).next_cursor
        foreign = write_cursor([1.5, "k"], "another server", "ann")
        bad: list[tuple[str | None, object]] = [
            ("ann", foreign), ("bob", cursor), (None, cursor), ("ann", cursor[4:]), ("ann", 7),
            ("ann", cursor[:-4]), ("ann", ""), ("ann", "é"), ("ann", "W10="), ("ann", "bnVsbA=="),
        ]  # fmt: skip
        for owner, wrong in bad:
            with pytest.raises(InvalidArgumentError, match="cursor"):
                call(store, "list_conversations", owner=owner, cursor=wrong)
        for key in "lm":
            call(store, "delete_messages", key)
        assert _state(store, call) == before


def _prepare(store: ChatStore, call: Caller) -> Any:
    call(store, "create_conversation", "k", owner="ann", title="t", metadata={"a": 1})
    call(store, "add_messages", "k", [message("a", id="a"), message("b", id="b")])
    call(store, "create_conversation", "other")
    return _state(store, call)


def _state(store: ChatStore, call: Caller) -> Any:
    """Return everything that the store has."""
    keys = sorted(call(store, "get_keys"))
    lists = [
        [one.key for one in call(store, "list_conversations", owner=owner).conversations]
        for owner in ("ann", "bob")
    ]
    return [call(store, "snapshot", key) for key in keys], lists
