"""A conversation is gone ``ttl`` seconds after its last write."""

import pytest

from chatstore.core import ConversationNotFoundError, MessageNotFoundError
from chatstore.core.testing.contract.base import Base, Expiring
from chatstore.core.testing.contract.modes import Caller, drain
from chatstore.core.testing.messages import contents, message


class Ttl(Base):
    def test_expired_is_gone_from_every_method(self, expiring: Expiring, call: Caller) -> None:
        store, let_pass = expiring
        for key in "klm":
            call(store, "add_messages", key, [message("a", id="1"), message("b")])
        let_pass(1.25)
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

    def test_a_write_renews_the_whole_conversation(self, expiring: Expiring, call: Caller) -> None:
        store, let_pass = expiring
        call(store, "add_message", "k", message("a"))
        let_pass(0.6)
        call(store, "add_message", "k", message("b"))
        let_pass(0.6)
        assert contents(call(store, "get_messages", "k")) == ["a", "b"]
        let_pass(0.65)
        assert call(store, "get_messages", "k") == []

    @pytest.mark.parametrize("name", ["update_conversation", "put_message", "truncate"])
    def test_other_writes_renew(self, expiring: Expiring, call: Caller, name: str) -> None:
        store, let_pass = expiring
        call(store, "create_conversation", "k")
        call(store, "add_messages", "k", [message("a", id="a"), message("b", id="b")])
        let_pass(0.6)
        if name == "update_conversation":
            call(store, name, "k", title="t")
        elif name == "put_message":
            call(store, name, "k", message("B", id="b"))
        else:
            call(store, name, "k", from_id="b")
        let_pass(0.6)
        assert call(store, "get_message", "k", "a") == message("a")
        let_pass(0.65)
        assert call(store, "get_conversation", "k") is None

    def test_reads_do_not_renew(self, expiring: Expiring, call: Caller) -> None:
        store, let_pass = expiring
        call(store, "add_message", "k", message("a"))
        let_pass(0.6)
        assert contents(call(store, "get_messages", "k")) == ["a"]
        assert contents(drain(call.iterate(store, "iter_messages", "k"))) == ["a"]
        assert call(store, "count_messages", "k") == 1
        assert call(store, "get_keys") == ["k"]
        let_pass(0.65)
        assert call(store, "get_messages", "k") == []
