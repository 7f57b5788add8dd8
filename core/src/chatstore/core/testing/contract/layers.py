"""A store works with layers around its backend."""

from __future__ import annotations

import pytest

from chatstore.core import ChatStore, CorruptMessageError
from chatstore.core.backend import WrapperBackend
from chatstore.core.testing.contract.base import Base
from chatstore.core.testing.contract.modes import Caller, drain
from chatstore.core.testing.harness import ContractHarness
from chatstore.core.testing.messages import contents, message


class Layers(Base):
    def test_wrapped_backend_behaves_the_same(
        self, harness: ContractHarness, store: ChatStore, call: Caller
    ) -> None:
        """The backend is wrapped twice in a `WrapperBackend`, which changes nothing."""
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
