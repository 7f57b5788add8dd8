"""Messages are read in the order in which they were added."""

from collections.abc import Callable
from typing import Any

import pytest

from chatstore.core import ChatStore
from chatstore.core.testing.contract.base import Base
from chatstore.core.testing.contract.modes import AsyncCaller, Caller
from chatstore.core.testing.messages import contents, message


class Order(Base):
    def test_appends_keep_their_order(self, store: ChatStore, call: Caller) -> None:
        for i in range(12):
            call(store, "add_message", "k", message(str(i)))
        assert contents(call(store, "get_messages", "k")) == [str(i) for i in range(12)]
        assert call(store, "count_messages", "k") == 12

    def test_equal_messages_are_all_kept(self, store: ChatStore, call: Caller) -> None:
        """Content does not identify a message."""
        for _ in range(3):
            call(store, "add_message", "k", message("yes"))
        call(store, "add_messages", "k", [message("yes"), message("yes")])
        call(store, "add_message", "k", message("yes"), 0)
        assert contents(call(store, "get_messages", "k")) == ["yes"] * 6

    def test_created_at_does_not_decide_the_order(self, store: ChatStore, call: Caller) -> None:
        late, early = "2030-01-01T00:00:00Z", "2001-01-01T00:00:00Z"
        call(store, "add_message", "k", message("a", created_at=late, id="z"))
        call(store, "add_message", "k", message("b", created_at=early, id="a"))
        assert contents(call(store, "get_messages", "k")) == ["a", "b"]

    def test_set_replaces(self, store: ChatStore, call: Caller) -> None:
        call(store, "set_messages", "k", [message("a"), message("b"), message("c")])
        call(store, "set_messages", "k", [message("d")])
        call(store, "add_message", "k", message("e"))
        assert contents(call(store, "get_messages", "k")) == ["d", "e"]

    def test_set_of_nothing_forgets(self, store: ChatStore, call: Caller) -> None:
        call(store, "set_messages", "k", [message("a")])
        call(store, "set_messages", "k", [])
        assert call(store, "get_messages", "k") == []
        assert call(store, "get_keys") == []

    def test_add_of_nothing_makes_no_conversation(self, store: ChatStore, call: Caller) -> None:
        call(store, "add_messages", "k", [])
        assert call(store, "get_keys") == []

    @pytest.mark.parametrize("last", [0, 1, 3, 4, 5, 10**30])
    def test_last(self, store: ChatStore, call: Caller, last: int) -> None:
        call(store, "add_messages", "k", [message(t) for t in "abcd"])
        expected: list[Any] = list("abcd")[max(0, 4 - last) :]
        assert contents(call(store, "get_messages", "k", last=last)) == expected

    def test_missing_conversation_is_empty(self, store: ChatStore, call: Caller) -> None:
        assert call(store, "get_messages", "no") == []
        assert call(store, "get_messages", "no", last=3) == []
        assert call(store, "count_messages", "no") == 0
        call(store, "delete_messages", "no")
        assert call(store, "get_keys") == []

    def test_each_mode_reads_what_the_other_wrote(self, opened: Callable[..., ChatStore]) -> None:
        store, other = opened(), AsyncCaller()
        try:
            store.add_message("k", message("a"))
            other(store, "add_message", "k", message("b"))
            store.add_messages("k", [message("c")])
            assert contents(other(store, "get_messages", "k")) == ["a", "b", "c"]
            assert store.get_messages("k") == other(store, "get_messages", "k")
            assert other(store, "delete_last_message", "k") == message("c")
            assert store.count_messages("k") == 2
            other(store, "set_messages", "k", [message("d")])
            assert contents(store.get_messages("k")) == ["d"]
            store.delete_messages("k")
            assert other(store, "get_keys") == []
            other(store, "close")
        finally:
            other.close()
