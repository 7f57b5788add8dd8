"""A conversation is gone ``ttl`` seconds after its last write."""

import time
from collections.abc import Callable

import pytest

from chatstore.core import ChatStore
from chatstore.core.testing.contract.base import Base
from chatstore.core.testing.contract.modes import Caller, drain
from chatstore.core.testing.harness import ContractHarness
from chatstore.core.testing.messages import contents, message


class Ttl(Base):
    @pytest.fixture
    def passing(
        self, harness: ContractHarness, opened: Callable[..., ChatStore]
    ) -> tuple[ChatStore, Callable[[float], None]]:
        """Return a store with a ttl, and a function that lets a multiple of the ttl pass."""
        if not harness.own_clock:
            return opened(ttl=2), lambda ttls: time.sleep(2 * ttls)
        now = [1_800_000_000.0]

        def wait(ttls: float) -> None:
            now[0] += 60 * ttls

        return opened(ttl=60, clock=lambda: now[0]), wait

    def test_expired_is_gone_from_every_method(
        self, passing: tuple[ChatStore, Callable[[float], None]], call: Caller
    ) -> None:
        store, wait = passing
        for key in "klm":
            call(store, "add_messages", key, [message("a", id="1"), message("b")])
        wait(1.25)
        assert call(store, "get_keys") == []
        assert call(store, "count_messages", "l") == 0
        assert drain(call.iterate(store, "iter_messages", "m")) == []
        assert call(store, "get_messages", "k") == []
        assert call(store, "get_messages", "k", last=1) == []
        assert call(store, "count_messages", "k") == 0
        assert call(store, "get_keys") == []
        assert drain(call.iterate(store, "iter_messages", "k")) == []
        assert call(store, "delete_last_message", "k") is None
        assert call(store, "delete_message", "k", 0) is None
        call(store, "add_message", "k", message("new", id="1"))
        assert contents(call(store, "get_messages", "k")) == ["new"]

    def test_a_write_renews_the_whole_conversation(
        self, passing: tuple[ChatStore, Callable[[float], None]], call: Caller
    ) -> None:
        store, wait = passing
        call(store, "add_message", "k", message("a"))
        wait(0.6)
        call(store, "add_message", "k", message("b"))
        wait(0.6)
        assert contents(call(store, "get_messages", "k")) == ["a", "b"]
        wait(0.65)
        assert call(store, "get_messages", "k") == []

    def test_reads_do_not_renew(
        self, passing: tuple[ChatStore, Callable[[float], None]], call: Caller
    ) -> None:
        store, wait = passing
        call(store, "add_message", "k", message("a"))
        wait(0.6)
        assert contents(call(store, "get_messages", "k")) == ["a"]
        assert contents(drain(call.iterate(store, "iter_messages", "k"))) == ["a"]
        assert call(store, "count_messages", "k") == 1
        assert call(store, "get_keys") == ["k"]
        wait(0.65)
        assert call(store, "get_messages", "k") == []
