"""The `repr` of a store says where conversations are, and shows no secrets."""

from __future__ import annotations

from chatstore.core import ChatStore
from chatstore.core.testing.contract.base import Base
from chatstore.core.testing.contract.modes import Caller
from chatstore.core.testing.messages import message


class Representation(Base):
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
        """The server is shown as a URL without user, password and query."""
        for text in (repr(store), store.server, repr(store.backend)):
            authority = text.partition("://")[2].partition("/")[0]
            assert "@" not in authority, "the user or password is shown"
            assert "?" not in text, "options are shown"
