"""Stores whose `repr` shows too little or too much."""

from __future__ import annotations

from chatstore.core.testing.broken.base import BrokenBackend, BrokenStore, CorrectStore


class ShowsOnlyItsAddress(CorrectStore):
    """Uses the `repr` of `object`."""

    def __repr__(self) -> str:
        return object.__repr__(self)


class HidesItsServer(CorrectStore):
    """Shows its class and state."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: open or closed>"


class HidesItsState(CorrectStore):
    """Shows its class and server, and that it is open although it is closed."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.server}, open>"


class ShowsContent(CorrectStore):
    """Shows its conversations."""

    def __repr__(self) -> str:
        return super().__repr__() + self.memory.dump()


class ShowsThePassword(BrokenBackend):
    """Names its server by the URL that it was given."""

    @property
    def server(self) -> str:
        return "memory://user:hunter2@host/0"


BROKEN = (
    BrokenStore(
        ShowsOnlyItsAddress,
        ("test_repr_names_class_server_and_state",),
        reason="the server is missing",
    ),
    BrokenStore(
        HidesItsServer, ("test_repr_names_class_server_and_state",), reason="the server is missing"
    ),
    BrokenStore(
        HidesItsState, ("test_repr_names_class_server_and_state",), reason="state after closing"
    ),
    BrokenStore(
        ShowsContent, ("test_repr_names_class_server_and_state",), reason="content is shown"
    ),
    BrokenStore(ShowsThePassword, ("test_repr_shows_no_password",), "", "password is shown"),
)
