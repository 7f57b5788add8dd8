"""Two tenants in one database, each compared with a store of its own.

A call of one tenant must have the result that it has when the other tenant does not exist.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from hypothesis import strategies as st

from chatstore.core import (
    ChatMessage,
    ChatStore,
    ChatStoreError,
    Conversation,
    ConversationPage,
    MessagePage,
    SimpleChatStore,
    Snapshot,
)
from chatstore.core.backend import Backend
from chatstore.core.cursors import read_cursor, write_cursor
from chatstore.core.layers import PrefixedBackend
from chatstore.core.testing.messages import message

# Each looks like the beginning of another one, or like a part of what is stored.
_PARTS = ["", "a", "1:", "1:a:", "2:ab:", "ab", ":", "%", "*", "\0", "é", "/../", "_", "\\", "{a}"]
_NAMES = st.builds("".join, st.lists(st.sampled_from(_PARTS), max_size=4)).map("{}k".format)
_PREFIXES = st.builds("".join, st.lists(st.sampled_from(_PARTS), max_size=3))
_IDS = st.sampled_from(["1", "2"])
_MESSAGES = st.builds(lambda content, id_: message(content, id=id_), st.text("xyz"), _IDS)
TENANTS = st.sampled_from([("a", "ab"), ("a", "a:"), ("a", "1:a:"), ("é", "e\u0301"), ("%", "_")])


class Act(NamedTuple):
    """A call of one of the tenants, which is 0 or 1."""

    tenant: int
    name: str
    args: tuple[Any, ...]
    options: dict[str, Any]


def _acts(name: str, *args: st.SearchStrategy[Any], **options: st.SearchStrategy[Any]) -> Any:
    named = st.fixed_dictionaries(options)
    return st.builds(Act, st.integers(0, 1), st.just(name), st.tuples(*args), named)


_OWNERS = st.none() | _NAMES
ACTS: st.SearchStrategy[list[Act]] = st.lists(
    st.one_of(
        _acts("add_message", _NAMES, _MESSAGES),
        _acts("add_messages", _NAMES, st.tuples(_MESSAGES)),
        _acts("put_message", _NAMES, _MESSAGES),
        _acts("set_messages", _NAMES, st.tuples(_MESSAGES)),
        _acts("delete_message", _NAMES, st.integers(0, 1)),
        _acts("remove_message", _NAMES, _IDS),
        _acts("truncate", _NAMES, from_id=_IDS),
        _acts("delete_messages", _NAMES),
        _acts("create_conversation", _NAMES, owner=_OWNERS, title=st.just("t")),
        _acts("update_conversation", _NAMES, owner=_OWNERS, title=st.just("u")),
        _acts("delete_conversations", owner=_NAMES),
        _acts("fork", _NAMES, _NAMES, owner=_OWNERS),
        _acts("get_messages", _NAMES),
        _acts("get_message", _NAMES, _IDS),
        _acts("page_messages", _NAMES, before=_IDS),
        _acts("count_messages", _NAMES),
        _acts("get_conversation", _NAMES),
        _acts("snapshot", _NAMES),
        _acts("get_keys", _PREFIXES),
        _acts("list_conversations", owner=_OWNERS),
    ),
    min_size=8,
    max_size=30,
)


class Pair:
    """Two tenants in one database, and a store of its own for each."""

    def __init__(self, backend: Backend[Any], tenants: Sequence[str]) -> None:
        """Begin with nothing stored by these tenants."""
        self.shared = [ChatStore(PrefixedBackend(backend, tenant)) for tenant in tenants]
        self.alone: list[ChatStore] = [SimpleChatStore() for _ in tenants]

    def act(self, act: Act) -> None:
        """Make a call on both stores of a tenant, and compare the results."""
        shared, alone = (outcome(stores[act.tenant], act) for stores in (self.shared, self.alone))
        assert shared == alone, act

    def check_cursors(self, tenant: int) -> None:
        """A cursor of the other tenant is refused, and a forged one shows nothing of it."""
        mine, other = self.shared[tenant], self.shared[1 - tenant]
        for owner in (None, "k", "ak"):
            cursor = other.list_conversations(owner=owner, limit=1).next_cursor
            if cursor is None:
                continue
            options = {"owner": owner, "cursor": cursor}
            listed = outcome(mine, Act(0, "list_conversations", (), options))
            assert listed == "InvalidArgumentError"
            position = read_cursor(cursor, other.server, owner)
            forged = write_cursor(position, mine.server, owner)
            page = mine.list_conversations(owner=owner, cursor=forged)
            own = {one.key for one in mine.iter_conversations(owner=owner)}
            assert {one.key for one in page.conversations} <= own

    def check_keys(self) -> None:
        """Compare all keys."""
        for shared, alone in zip(self.shared, self.alone, strict=True):
            assert sorted(shared.get_keys()) == sorted(alone.get_keys())

    def clear(self) -> None:
        """Delete what is stored; each tenant deletes its own."""
        for store in self.shared:
            for key in store.get_keys():
                store.delete_messages(key)


def outcome(store: ChatStore, act: Act) -> Any:
    """Return the result of a call, or the class of its error."""
    try:
        return _comparable(getattr(store, act.name)(*act.args, **act.options))
    except ChatStoreError as error:
        return type(error).__name__


def _comparable(value: Any) -> Any:
    """Return what does not depend on the time or on the order of lists."""
    if isinstance(value, Conversation):
        return (value.key, value.owner, value.title, value.metadata, value.length)
    if isinstance(value, ChatMessage):
        return (value.id, value.content)
    if isinstance(value, ConversationPage):
        return sorted(map(repr, map(_comparable, value.conversations)))
    if isinstance(value, MessagePage):
        return [_comparable(one) for one in value.messages]
    if isinstance(value, Snapshot):
        return [_comparable(value.conversation), *map(_comparable, value.messages)]
    if isinstance(value, list):
        items = [_comparable(item) for item in value]
        return sorted(items) if all(isinstance(item, str) for item in items) else items
    return value
