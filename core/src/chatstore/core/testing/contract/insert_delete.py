"""Insert and delete count as Python's lists do."""

import pytest

from chatstore.core import ChatStore
from chatstore.core.testing.contract.base import Base, Colour, say, texts


class InsertDelete(Base):
    @pytest.mark.parametrize("index", [0, 1, 2, 3, 4, -1, -3, -4, 10**30, -(10**30)])
    def test_insert_is_list_insert(self, store: ChatStore, do: Colour, index: int) -> None:
        expected = list("abc")
        expected.insert(max(-9, min(9, index)), "x")
        do(store, "set_messages", "k", [say(t) for t in "abc"])
        do(store, "add_message", "k", say("x"), index)
        assert texts(do(store, "get_messages", "k")) == expected
        assert do(store, "count_messages", "k") == 4

    def test_many_inserts_at_one_place(self, store: ChatStore, do: Colour) -> None:
        expected = ["a", "b"]
        do(store, "set_messages", "k", [say("a"), say("b")])
        for i in range(30):
            expected.insert(1, str(i))
            do(store, "add_message", "k", say(str(i)), 1)
        assert texts(do(store, "get_messages", "k")) == expected

    def test_insert_into_nothing(self, store: ChatStore, do: Colour) -> None:
        do(store, "add_message", "k", say("a"), 5)
        assert texts(do(store, "get_messages", "k")) == ["a"]

    @pytest.mark.parametrize("index", [0, 1, 2, -1, -2, -3])
    def test_delete_by_index(self, store: ChatStore, do: Colour, index: int) -> None:
        expected = list("abc")
        gone = expected.pop(index)
        do(store, "set_messages", "k", [say(t) for t in "abc"])
        assert do(store, "delete_message", "k", index) == say(gone)
        assert texts(do(store, "get_messages", "k")) == expected
        assert do(store, "count_messages", "k") == 2

    @pytest.mark.parametrize("index", [3, -4, 10**30, -(10**30)])
    def test_delete_where_none_is(self, store: ChatStore, do: Colour, index: int) -> None:
        do(store, "set_messages", "k", [say(t) for t in "abc"])
        assert do(store, "delete_message", "k", index) is None
        assert texts(do(store, "get_messages", "k")) == list("abc")

    def test_delete_last_until_empty(self, store: ChatStore, do: Colour) -> None:
        do(store, "set_messages", "k", [say("a"), say("b")])
        assert do(store, "delete_last_message", "k") == say("b")
        do(store, "add_message", "k", say("c"))
        assert do(store, "delete_last_message", "k") == say("c")
        assert do(store, "delete_last_message", "k") == say("a")
        assert do(store, "delete_last_message", "k") is None
        assert do(store, "get_keys") == []

    def test_delete_forgets_and_begins_anew(self, store: ChatStore, do: Colour) -> None:
        do(store, "set_messages", "k", [say("a", id="1"), say("b")])
        do(store, "delete_messages", "k")
        assert do(store, "get_messages", "k") == []
        assert do(store, "get_keys") == []
        do(store, "add_message", "k", say("other", id="1"))
        assert texts(do(store, "get_messages", "k")) == ["other"]
