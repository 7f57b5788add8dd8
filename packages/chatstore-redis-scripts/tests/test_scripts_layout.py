"""Keys in Redis: every conversation has its own, different from those of other programs."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatstore.core import InvalidArgumentError
from chatstore.redis_scripts.layout import (
    KeySpace,
    check_namespace,
    seal,
    unseal,
)

KEYS = st.text("%{}*?[]\\:a7BDb5\0\n é", min_size=1, max_size=60)
NAMESPACES = st.text("%*?[]\\:ab\n", min_size=1, max_size=8)


def matches(pattern: str, name: str) -> bool:
    """Return whether a pattern of Redis matches that has only ``\\x`` and ``*``."""
    parts = re.findall(r"\\(.)|(\*)|([^\\*])", pattern, re.DOTALL)
    expression = "".join(".*" if star else re.escape(one + two) for one, star, two in parts)
    return re.fullmatch(expression, name, re.DOTALL) is not None


@given(NAMESPACES, KEYS)
def test_keys_come_back(namespace: str, key: str) -> None:
    head, *_ = KeySpace(namespace).keys(key)
    assert KeySpace(namespace).key_of_head(head) == key


@given(st.lists(st.tuples(NAMESPACES, KEYS), min_size=2, max_size=2, unique=True))
def test_conversations_share_no_key(pair: list[tuple[str, str]]) -> None:
    one, other = (
        {*KeySpace(namespace).keys(key), KeySpace(namespace).staged_key(key, "ab")}
        for namespace, key in pair
    )
    assert not one & other


@given(NAMESPACES, KEYS)
def test_keys_of_a_conversation_share_a_hash_tag(namespace: str, key: str) -> None:
    names = [*KeySpace(namespace).keys(key), KeySpace(namespace).staged_key(key, "ab")]
    tags = {name[name.index("{") + 1 : name.index("}")] for name in names}
    assert len(tags) == 1
    assert tags != {""}


@given(NAMESPACES, KEYS, NAMESPACES, KEYS)
def test_pattern_matches_the_prefix_alone(
    namespace: str, prefix: str, other: Any, key: str
) -> None:
    head = KeySpace(other).keys(key)[0]
    expected = other == namespace and key.startswith(prefix)
    assert matches(KeySpace(namespace).heads_pattern(prefix), head) == expected


@pytest.mark.parametrize("quoted", ["", "a}b", "{", "%", "%7b", "%zz", "x" * 256, "\udcff"])
def test_keys_of_other_programs_are_not_conversations(quoted: str) -> None:
    assert KeySpace("n").key_of_head(f"n:{{{quoted}}}:head") is None


@pytest.mark.parametrize("namespace", ["", "{", "a}b", None, 3, "\ud800"])
def test_invalid_namespaces(namespace: str) -> None:
    with pytest.raises(InvalidArgumentError):
        check_namespace(namespace)


@given(st.text())
def test_bodies_come_back(body: str) -> None:
    assert unseal(seal(body)) == body
    assert seal(body) != seal(body + "x")
