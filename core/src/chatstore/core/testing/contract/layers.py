"""The text that represents a store, and layers around its backend."""

from __future__ import annotations

import pytest

from chatstore.core import ChatStore, CorruptMessageError
from chatstore.core.backend import WrapperBackend
from chatstore.core.testing.contract.base import Base
from chatstore.core.testing.contract.modes import Caller, drain
from chatstore.core.testing.harness import ContractHarness
from chatstore.core.testing.messages import contents, message


class Layers(Base):
    def test_repr_names_class_server_and_state(self, store: ChatStore, call: Caller) -> None:
        for _ in range(2):
            text = repr(store)
            assert type(store).__name__ in text, "the class is missing"
            assert store.server, "the store does not say where conversations are kept"
            assert store.server in text, "the server is missing"
            assert "open" in text, "the state is missing"
            call(store, "add_message", "k", message("content-of-a-user"))
            assert "content-of-a-user" not in repr(store), "content is shown"
        call(store, "close")
        text = repr(store)
        assert type(store).__name__ in text
        assert store.server in text
        assert "closed" in text, "the state after closing is missing"

    def test_repr_shows_no_password(self, store: ChatStore) -> None:
        """A server is shown as in a URL without user, password and query."""
        for text in (repr(store), store.server, repr(store.backend)):
            authority = text.partition("://")[2].partition("/")[0]
            assert "@" not in authority, "the user or password is shown"
            assert "?" not in text, "options are shown"

    def test_wrapped_backend_behaves_the_same(
        self, harness: ContractHarness, store: ChatStore, call: Caller
    ) -> None:
        """A `WrapperBackend` that changes nothing, and another one around it."""
        layered = ChatStore(WrapperBackend(WrapperBackend(store.backend)))
        assert layered.server == store.server
        assert layered.max_message_bytes == store.max_message_bytes
        call(layered, "setup")
        call(layered, "add_messages", "k", [message(c, id=c) for c in "abcd"])
        call(store, "add_message", "k", message("a", id="a"))
        call(layered, "add_message", "k", message("x"), 1)
        assert call(layered, "delete_message", "k", 2) == message("b")
        assert call(layered, "delete_last_message", "k") == message("d")
        for one in (store, layered):
            assert contents(call(one, "get_messages", "k")) == ["a", "x", "c"]
            assert contents(call(one, "get_messages", "k", last=2)) == ["x", "c"]
            step = call.iterate(one, "iter_messages", "k", page_size=2)
            assert contents(drain(step)) == ["a", "x", "c"]
            assert call(one, "count_messages", "k") == 3
            assert call(one, "get_keys") == ["k"]
        harness.corrupt("k", 1)
        with pytest.raises(CorruptMessageError):
            call(layered, "get_messages", "k")
        assert call(layered, "delete_message", "k", 1, force=True) is None
        call(layered, "purge_expired")
        call(layered, "set_messages", "k", [message("new")])
        assert contents(call(store, "get_messages", "k")) == ["new"]
        call(layered, "delete_messages", "k")
        assert call(store, "get_keys") == []
