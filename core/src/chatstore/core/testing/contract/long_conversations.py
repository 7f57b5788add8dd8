"""Large messages and long conversations work like small ones."""

from chatstore.core import ChatStore
from chatstore.core.testing.contract.base import Base
from chatstore.core.testing.contract.modes import Caller, drain
from chatstore.core.testing.messages import contents, message


class LongConversations(Base):
    def test_message_of_5_mib(self, store: ChatStore, call: Caller) -> None:
        big = message("x" * (5 * 2**20))
        call(store, "add_message", "k", big)
        call(store, "add_message", "k", message("after"))
        assert call(store, "get_messages", "k") == [big, message("after")]

    def test_two_thousand_messages(self, store: ChatStore, call: Caller) -> None:
        expected = [str(i) for i in range(2000)]
        call(store, "set_messages", "k", [message(t) for t in expected])
        call(store, "add_message", "k", message("2000"))
        expected.append("2000")
        assert call(store, "count_messages", "k") == 2001
        assert contents(call(store, "get_messages", "k")) == expected
        assert contents(call(store, "get_messages", "k", last=3)) == expected[-3:]
        assert (
            contents(drain(call.iterate(store, "iter_messages", "k", reverse=True)))
            == expected[::-1]
        )
