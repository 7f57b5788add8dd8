"""No cliff: big messages and long conversations."""

from chatstore.core import ChatStore
from chatstore.core.testing.contract.base import Base, Colour, drain, say, texts


class LongConversations(Base):
    def test_message_of_5_mib(self, store: ChatStore, do: Colour) -> None:
        big = say("x" * (5 * 2**20))
        do(store, "add_message", "k", big)
        do(store, "add_message", "k", say("after"))
        assert do(store, "get_messages", "k") == [big, say("after")]

    def test_two_thousand_messages(self, store: ChatStore, do: Colour) -> None:
        expected = [str(i) for i in range(2000)]
        do(store, "set_messages", "k", [say(t) for t in expected])
        do(store, "add_message", "k", say("2000"))
        expected.append("2000")
        assert do(store, "count_messages", "k") == 2001
        assert texts(do(store, "get_messages", "k")) == expected
        assert texts(do(store, "get_messages", "k", last=3)) == expected[-3:]
        assert texts(drain(do.iterate(store, "iter_messages", "k", reverse=True))) == expected[::-1]
