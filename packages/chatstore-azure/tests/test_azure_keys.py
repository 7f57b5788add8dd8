"""Keys are encoded as PartitionKeys of at most 1 KiB without forbidden characters, and decoded."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatstore.azure.keys import decode, encode, partition_filter

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


@given(KEYS, KEYS)
def test_filter_selects_keys_with_the_prefix_and_nothing_else(prefix: str, key: str) -> None:
    low, high = (part.split("'")[1] for part in partition_filter(prefix).split(" and "))
    for candidate in (key, prefix, prefix + key):
        assert (low <= encode(candidate) < high) == candidate.startswith(prefix)
