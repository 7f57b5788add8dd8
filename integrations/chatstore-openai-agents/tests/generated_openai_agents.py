"""Strategies for every kind of item of the SDK, derived from its type hints."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from hypothesis import strategies as st
from openai.types.responses import ResponseInputItemParam
from typing_extensions import NotRequired, Required, get_type_hints, is_typeddict

KINDS = get_args(ResponseInputItemParam)
TEXT = st.text(st.characters(codec="utf-8"), max_size=5)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-99, 99) | TEXT,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXT, inner, max_size=2),
    max_leaves=3,
)
_SIMPLE = {
    Any: JSON,
    object: JSON,
    str: TEXT,
    int: st.integers(0, 99),
    float: st.integers(0, 9).map(float),
    bool: st.booleans(),
    type(None): st.none(),
}


@cache
def made_of(hint: Any) -> st.SearchStrategy[Any]:
    """Return a strategy of JSON values of a type hint."""
    if hint in _SIMPLE:
        return _SIMPLE[hint]
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in {Annotated, Required, NotRequired}:
        return made_of(arguments[0])
    if origin is Literal:
        return st.sampled_from(arguments)
    if origin in {Union, UnionType}:
        return st.one_of(*map(made_of, arguments))
    if origin in {list, Sequence, Iterable}:
        return st.lists(made_of(arguments[0]), max_size=2)
    if origin in {dict, Mapping}:
        return st.dictionaries(TEXT, made_of(arguments[1]), max_size=2)
    assert is_typeddict(hint), hint
    return st.deferred(lambda: _typed_dict(hint))


def _typed_dict(kind: Any) -> st.SearchStrategy[Any]:
    fields = {name: made_of(hint) for name, hint in get_type_hints(kind).items()}
    required = {name: made for name, made in fields.items() if name in kind.__required_keys__}
    optional = {name: made for name, made in fields.items() if name not in required}
    return st.fixed_dictionaries(required, optional=optional)


def conversations() -> st.SearchStrategy[list[Any]]:
    """Return a strategy of lists of items of any kinds."""
    return st.lists(st.sampled_from(KINDS).flatmap(made_of), max_size=4)
