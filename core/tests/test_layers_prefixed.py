"""``PrefixedBackend``: no tenant reaches another one's conversations."""

from __future__ import annotations

from itertools import permutations

import pytest

from chatstore.core import (
    ChatStore,
    InvalidArgumentError,
    InvalidKeyError,
)
from chatstore.core.layers import PrefixedBackend
from chatstore.core.simple import MemoryBackend
from chatstore.core.testing.messages import contents, message

# Each is a beginning of others, or looks like a part of a prefix.
TENANTS = [
    "a",
    "ab",
    "a:",
    "a:b",
    "1:a",
    "1:a:",
    ":",
    "%",
    "*",
    "\0",
    "é",
    "e\u0301",
    " ",
    "a/../b",
]
KEYS = ["", *TENANTS, "1:a:k", "2:ab:k", "../k"]


def store_of(backend: MemoryBackend, tenant: str) -> ChatStore:
    return ChatStore(PrefixedBackend(backend, tenant))


def test_tenants_neither_list_nor_reach_each_other() -> None:
    backend = MemoryBackend()
    for tenant in TENANTS:
        for key in KEYS:
            store = store_of(backend, tenant)
            store.create_conversation(key + "k", owner="owner", title=f"{tenant}|{key}")
    for tenant in TENANTS:
        store, names = store_of(backend, tenant), sorted(key + "k" for key in KEYS)
        assert sorted(store.get_keys()) == names
        for owner in ("owner", None):
            listed = list(store.iter_conversations(owner=owner))
            assert sorted(one.key for one in listed) == names
            assert {one.title for one in listed} == {f"{tenant}|{key}" for key in KEYS}
    left = set(TENANTS)
    for tenant in TENANTS[::2]:
        store_of(backend, tenant).delete_conversations(owner="owner")
        left.remove(tenant)
        for other in TENANTS:
            assert len(store_of(backend, other).get_keys()) == (len(KEYS) if other in left else 0)


def test_no_key_of_a_tenant_is_one_of_another() -> None:
    backend = MemoryBackend()
    for one, other in permutations(TENANTS, 2):
        victim, attacker = store_of(backend, one), store_of(backend, other)
        victim.set_messages("k", [message("secret")])
        prefix = f"{len(one.encode())}:{one}:"
        for key in ("k", prefix + "k", f"../{prefix}k", one + ":k"):
            attacker.delete_messages(key)
            assert attacker.get_messages(key) == []
            assert attacker.get_keys(prefix) == []
        assert contents(victim.get_messages("k")) == ["secret"]


def test_cursors_belong_to_a_tenant() -> None:
    backend = MemoryBackend()
    ann, bob = store_of(backend, "ann"), store_of(backend, "bob")
    for n in range(3):
        ann.create_conversation(f"k{n}", owner="o")
    for owner in ("o", None):
        cursor = ann.list_conversations(owner=owner, limit=1).next_cursor
        with pytest.raises(InvalidArgumentError, match="another store"):
            bob.list_conversations(owner=owner, cursor=cursor)


def test_owners_may_change() -> None:
    backend = MemoryBackend()
    store = store_of(backend, "acme")
    store.create_conversation("k", owner="ann")
    assert store.update_conversation("k", owner="bob", title="t").owner == "bob"
    assert store.list_conversations(owner="ann").conversations == []
    assert store.update_conversation("k", owner=None).owner is None
    assert ChatStore(backend).get_keys() == ["4:acme:k"]


def test_names_that_are_too_long_are_refused_with_the_room_that_there_is() -> None:
    store = store_of(MemoryBackend(), "acme")
    store.create_conversation("k" * 248, owner="o" * 248)
    with pytest.raises(InvalidKeyError, match="1 to 248 bytes in UTF-8, this one has 249"):
        store.add_message("k" * 249, message("a"))
    with pytest.raises(InvalidArgumentError, match="an owner of this tenant must have 1 to 248"):
        store.list_conversations(owner="o" * 249)
    assert store.get_keys() == ["k" * 248]


@pytest.mark.parametrize("tenant", ["", "x" * 65, "é" * 33, "\ud800", None, 7, b"a"])
def test_invalid_tenants_are_refused(tenant: object) -> None:
    with pytest.raises(InvalidArgumentError, match="a tenant must"):
        PrefixedBackend(MemoryBackend(), tenant)  # type: ignore[arg-type]
