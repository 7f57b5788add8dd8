"""Insertions and removals use indexes as Python's lists do."""

import pytest

from chatstore.core import ChatStore
from chatstore.core.testing.contract.base import Base
from chatstore.core.testing.contract.modes import Caller
from chatstore.core.testing.messages import contents, message


class InsertDelete(Base):
    @pytest.mark.parametrize("index", [0, 1, 2, 3, 4, -1, -3, -4, 10**30, -(10**30)])
    def test_insert_is_list_insert(self, store: ChatStore, call: Caller, index: int) -> None:
        expected = list("abc")
        expected.insert(max(-9, min(9, index)), "x")
        call(store, "set_messages", "k", [message(t) for t in "abc"])
        call(store, "add_message", "k", message("x"), index)
        assert contents(call(store, "get_messages", "k")) == expected
        assert call(store, "count_messages", "k") == 4

    def test_many_inserts_at_one_place(self, store: ChatStore, call: Caller) -> None:
        expected = ["a", "b"]
        call(store, "set_messages", "k", [message("a"), message("b")])
        for i in range(30):
            expected.insert(1, str(i))
            call(store, "add_message", "k", message(str(i)), 1)
        assert contents(call(store, "get_messages", "k")) == expected

    def test_insert_into_nothing(self, store: ChatStore, call: Caller) -> None:
        call(store, "add_message", "k", message("a"), 5)
        assert contents(call(store, "get_messages", "k")) == ["a"]

    @pytest.mark.parametrize("index", [0, 1, -1, -9])
    def test_insert_into_an_empty_conversation(
        self, store: ChatStore, call: Caller, index: int
    ) -> None:
        call(store, "create_conversation", "k")
        call(store, "add_message", "k", message("a"), index)
        call(store, "add_message", "k", message("b"), index)
        expected = ["a"]
        expected.insert(index, "b")
        assert contents(call(store, "get_messages", "k")) == expected

    @pytest.mark.parametrize("index", [0, 1, 2, -1, -2, -3])
    def test_delete_by_index(self, store: ChatStore, call: Caller, index: int) -> None:
        expected = list("abc")
        gone = expected.pop(index)
        call(store, "set_messages", "k", [message(t) for t in "abc"])
        assert call(store, "delete_message", "k", index) == message(gone)
        assert contents(call(store, "get_messages", "k")) == expected
        assert call(store, "count_messages", "k") == 2

    @pytest.mark.parametrize("index", [3, -4, 10**30, -(10**30)])
    def test_delete_where_none_is(self, store: ChatStore, call: Caller, index: int) -> None:
        call(store, "set_messages", "k", [message(t) for t in "abc"])
        assert call(store, "delete_message", "k", index) is None
        assert contents(call(store, "get_messages", "k")) == list("abc")

    def test_delete_last_until_empty(self, store: ChatStore, call: Caller) -> None:
        call(store, "set_messages", "k", [message("a"), message("b")])
        assert call(store, "delete_last_message", "k") == message("b")
        call(store, "add_message", "k", message("c"))
        assert call(store, "delete_last_message", "k") == message("c")
        assert call(store, "delete_last_message", "k") == message("a")
        assert call(store, "delete_last_message", "k") is None
        assert call(store, "get_keys") == []

    def test_delete_forgets_and_begins_anew(self, store: ChatStore, call: Caller) -> None:
        call(store, "set_messages", "k", [message("a", id="1"), message("b")])
        call(store, "delete_messages", "k")
        assert call(store, "get_messages", "k") == []
        assert call(store, "get_keys") == []
        call(store, "add_message", "k", message("other", id="1"))
        assert contents(call(store, "get_messages", "k")) == ["other"]
