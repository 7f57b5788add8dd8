"""Iterators read pages; appends between two pages do not make them repeat or skip messages."""

import pytest

from chatstore.core import ChatStore, ConversationChangedError
from chatstore.core.testing.contract.base import Base
from chatstore.core.testing.contract.modes import Caller, drain
from chatstore.core.testing.messages import contents, message


class Paging(Base):
    @pytest.mark.parametrize("reverse", [False, True])
    @pytest.mark.parametrize("size", [1, 2, 7, 10, 11, 10**30])
    def test_iterates_in_pages(
        self, store: ChatStore, call: Caller, size: int, reverse: bool
    ) -> None:
        call(store, "add_messages", "k", [message(str(i)) for i in range(10)])
        step = call.iterate(store, "iter_messages", "k", reverse=reverse, page_size=size)
        expected = [str(i) for i in range(10)]
        assert contents(drain(step)) == (expected[::-1] if reverse else expected)

    def test_iterates_over_nothing(self, store: ChatStore, call: Caller) -> None:
        assert drain(call.iterate(store, "iter_messages", "k")) == []
        assert drain(call.iterate(store, "iter_keys")) == []

    def test_appends_during_forward_iteration(self, store: ChatStore, call: Caller) -> None:
        call(store, "add_messages", "k", [message(str(i)) for i in range(5)])
        step = call.iterate(store, "iter_messages", "k", page_size=2)
        got = [step()]
        call(store, "add_messages", "k", [message("5"), message("6")])
        assert contents(got + drain(step)) == [str(i) for i in range(7)]

    def test_appends_during_reverse_iteration(self, store: ChatStore, call: Caller) -> None:
        call(store, "add_messages", "k", [message(str(i)) for i in range(5)])
        step = call.iterate(store, "iter_messages", "k", reverse=True, page_size=2)
        got = [step()]
        call(store, "add_messages", "k", [message("5"), message("6")])
        assert contents(got + drain(step)) == list("43210")

    @pytest.mark.parametrize("reverse", [False, True])
    def test_set_during_iteration_raises(
        self, store: ChatStore, call: Caller, reverse: bool
    ) -> None:
        call(store, "add_messages", "k", [message(str(i)) for i in range(5)])
        step = call.iterate(store, "iter_messages", "k", reverse=reverse, page_size=2)
        step()
        call(store, "set_messages", "k", [message(str(i)) for i in range(5)])
        with pytest.raises(ConversationChangedError):
            drain(step)

    @pytest.mark.parametrize("size", [1, 3, 1000])
    def test_iterates_over_keys(self, store: ChatStore, call: Caller, size: int) -> None:
        names = [f"p{i}" for i in range(7)]
        for name in [*names, "q"]:
            call(store, "add_message", name, message("a"))
        got = drain(call.iterate(store, "iter_keys", "p", page_size=size))
        assert sorted(got) == names
