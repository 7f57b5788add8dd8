"""A conversation is gone ``ttl`` seconds after its last write."""

import time
from collections.abc import Callable

import pytest

from chatstore.core import ChatStore, ConversationNotFoundError, MessageNotFoundError
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
        assert call(store, "get_conversation", "k") is None
        assert call(store, "get_message", "k", "1") is None
        assert call(store, "remove_message", "k", "1") is None
        assert call(store, "page_messages", "k").messages == []
        assert call(store, "snapshot", "k").conversation is None
        with pytest.raises(ConversationNotFoundError):
            call(store, "update_conversation", "k", title="t")
        with pytest.raises(ConversationNotFoundError):
            call(store, "fork", "k", "new")
        for name, kwargs in (("truncate", {"from_id": "1"}), ("page_messages", {"before": "1"})):
            with pytest.raises(MessageNotFoundError):
                call(store, name, "k", **kwargs)
        call(store, "put_message", "l", message("put", id="1"))
        assert contents(call(store, "get_messages", "l")) == ["put"]
        assert call(store, "create_conversation", "m", title="t").length == 0
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

    @pytest.mark.parametrize("name", ["update_conversation", "put_message", "truncate"])
    def test_other_writes_renew(
        self, passing: tuple[ChatStore, Callable[[float], None]], call: Caller, name: str
    ) -> None:
        store, wait = passing
        call(store, "create_conversation", "k")
        call(store, "add_messages", "k", [message("a", id="a"), message("b", id="b")])
        wait(0.6)
        if name == "update_conversation":
            call(store, name, "k", title="t")
        elif name == "put_message":
            call(store, name, "k", message("B", id="b"))
        else:
            call(store, name, "k", from_id="b")
        wait(0.6)
        assert call(store, "get_message", "k", "a") == message("a")
        wait(0.65)
        assert call(store, "get_conversation", "k") is None

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
