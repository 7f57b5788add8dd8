"""Keys are encoded as PartitionKeys of at most 1 KiB without forbidden characters, and decoded."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatstore.azure.keys import CONVERSATIONS, LISTS, KeySpace, decode, encode

FORBIDDEN = {"/", "\\", "#", "?", "%", "'", *map(chr, range(0x20)), *map(chr, range(0x7F, 0xA0))}
KEYS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=255).filter(
    lambda key: len(key.encode()) <= 255
)


@given(KEYS)
def test_names_come_back(key: str) -> None:
    name = encode(key)
    assert decode(name) == key
    assert len(name) <= 512
    assert name.isascii()
    assert not FORBIDDEN & set(name)


@given(KEYS, KEYS)
def test_names_differ_and_keep_prefixes(one: str, other: str) -> None:
    assert (encode(one) == encode(other)) == (one == other)
    assert encode(one + other).startswith(encode(one))


def test_plain_keys_are_readable() -> None:
    plain = string.ascii_letters + string.digits + "-_."
    assert encode(plain) == plain
    assert len(encode("/" * 255)) == 510


@pytest.mark.parametrize("name", ["=", "a=", "!B", "@B", "ü", "=.", "a b", "~", ":__"])
def test_what_was_not_encoded_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        decode(name)


def is_selected(query: str, name: str) -> bool:
    bounds = {part.split()[1]: part.split("'")[1] for part in query.split(" and ")}
    return bounds.get("ge", "") <= name < bounds["lt"]


@pytest.mark.parametrize("space", [CONVERSATIONS, LISTS])
@given(st.just("") | KEYS, KEYS)
def test_filter_selects_keys_with_the_prefix_and_nothing_else(
    space: KeySpace, prefix: str, key: str
) -> None:
    query = space.filter_of(prefix)
    other = LISTS if space is CONVERSATIONS else CONVERSATIONS
    for candidate in (key, prefix + key):
        assert is_selected(query, space.name_of(candidate)) == candidate.startswith(prefix)
        assert not is_selected(query, other.name_of(candidate))


@given(KEYS)
def test_kinds_of_keys_are_apart(key: str) -> None:
    for space in (CONVERSATIONS, LISTS):
        assert space.key_of(space.name_of(key)) == key
    with pytest.raises(ValueError, match=r"."):
        LISTS.key_of(CONVERSATIONS.name_of(key))
    with pytest.raises(ValueError, match=r"."):
        CONVERSATIONS.key_of(LISTS.name_of(key))
