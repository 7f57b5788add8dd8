"""The writes whose replies the healing contract loses, and what they must leave."""

from __future__ import annotations

from typing import Any, NamedTuple

from chatstore.core import ChatMessage, StoreUnavailableError
from chatstore.core.testing.attempts import Attempt
from chatstore.core.testing.messages import message

BEFORE = [message(c, id=c) for c in "abc"]


class Write(NamedTuple):
    """A call on a conversation with the messages a, b and c.

    Attributes:
        name: The method.
        args: Its arguments after the key.
        kwargs: Its keyword arguments.
        after: The contents after the call.
        returned: What it returns: the content of a message, or a number.

    """

    name: str
    args: tuple[Any, ...]
    after: str
    returned: object = None
    kwargs: dict[str, Any] = {}  # noqa: RUF012 - never changed

    def make(self, store: Any, key: str) -> Any:
        """Make the call."""
        return getattr(store, self.name)(key, *self.args, **self.kwargs)


WRITES = {
    "append": Write("add_message", (message("d", id="d"),), "abcd"),
    "append-many": Write("add_messages", ([message("d", id="d"), message("e", id="e")],), "abcde"),
    "insert": Write("add_message", (message("d", id="d"), 1), "adbc"),
    "put-new": Write("put_message", (message("d", id="d"),), "abcd"),
    "put": Write("put_message", (message("B", id="b"),), "aBc"),
    "set": Write("set_messages", ([message("d", id="d")],), "d"),
    "delete-last": Write("delete_last_message", (), "ab", "c"),
    "delete-first": Write("delete_message", (0,), "bc", "a"),
    "remove-by-id": Write("remove_message", ("b",), "ac", "b"),
    "truncate": Write("truncate", (), "a", 2, {"from_id": "b"}),
    "delete": Write("delete_messages", (), ""),
}


def value_of(result: Any) -> object:
    """Return the content of a message; any other result as it is."""
    return result.content if isinstance(result, ChatMessage) else result


def check_kind(attempt: Attempt) -> None:
    """Assert that a call succeeded, or failed because of the network."""
    assert attempt.error is None or isinstance(attempt.error, StoreUnavailableError), (
        f"a fault of the network is not {type(attempt.error).__name__}"
    )
