"""Strategies for every part of Pydantic AI's messages, derived from its type hints."""

from __future__ import annotations

import dataclasses
import sys
import types
import typing
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from functools import cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from hypothesis import reject
from hypothesis import strategies as st
from pydantic_ai import messages as library
from pydantic_ai.messages import (
    BinaryContent,
    ModelMessage,
    ModelRequest,
    ModelRequestPart,
    ModelResponse,
    ModelResponsePart,
    RetryPromptPart,
)
from pydantic_core import ErrorDetails

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
    bytes: st.binary(max_size=4),
    type(None): st.none(),
    Decimal: st.integers(0, 99).map(Decimal),
    timedelta: st.integers(0, 99).map(lambda seconds: timedelta(seconds=seconds)),
    datetime: st.datetimes(
        datetime(2020, 1, 1),  # noqa: DTZ001 - Hypothesis adds the zone
        datetime(2030, 1, 1),  # noqa: DTZ001 - the same
        timezones=st.just(timezone.utc),
    ),
    ErrorDetails: st.just(
        {"type": "missing", "loc": ("city",), "msg": "Field required", "input": {"a": 1}}
    ),
    BinaryContent: st.builds(
        BinaryContent,
        st.binary(max_size=4),
        media_type=st.sampled_from(["image/png", "audio/wav", "video/mp4", "application/pdf"]),
    ),
}


def part_types(alias: Any) -> list[type]:
    """Return the classes of parts, without the deprecated one."""
    subtypes: list[type] = []
    for member in get_args(get_args(alias)[0]):
        kind = get_args(member)[0]
        while not isinstance(kind, type):
            kind = get_origin(kind) or get_args(kind)[0]
        if kind is not RetryPromptPart and kind not in subtypes:
            subtypes.append(kind)
    return subtypes


REQUEST_PARTS = part_types(ModelRequestPart)
RESPONSE_PARTS = part_types(ModelResponsePart)


@cache
def made_of(hint: Any) -> st.SearchStrategy[Any]:
    """Return a strategy of values of a type hint, with JSON for `Any`."""
    if hint in _SIMPLE:
        return _SIMPLE[hint]
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return made_of(arguments[0])
    if origin is Literal:
        return st.sampled_from(arguments)
    if origin in {Union, types.UnionType}:
        return st.one_of(*map(made_of, arguments))
    if origin in {list, Sequence}:
        return st.lists(made_of(arguments[0]), max_size=2)
    if origin in {dict, Mapping}:
        return st.dictionaries(TEXT, made_of(arguments[1]), max_size=2)
    return _class(hint, origin or hint, arguments)


def _class(hint: Any, kind: Any, arguments: tuple[Any, ...]) -> st.SearchStrategy[Any]:
    if hint is library.ToolReturnContent:
        return JSON | made_of(library.MultiModalContent)
    if isinstance(hint, typing.TypeVar):
        return JSON
    if hasattr(hint, "__value__"):
        return st.deferred(lambda: made_of(hint.__value__))
    if dataclasses.is_dataclass(kind):
        return st.deferred(lambda: _dataclass(kind, arguments))
    return st.from_type(hint)


def _dataclass(kind: Any, arguments: tuple[Any, ...]) -> st.SearchStrategy[Any]:
    names = {**vars(library), **vars(sys.modules[kind.__module__])}
    hints = typing.get_type_hints(kind, names, include_extras=True)
    told = dict(zip(getattr(kind, "__parameters__", ()), arguments, strict=False))
    hints = {name: told.get(hint, hint) for name, hint in hints.items()}
    fields = [field for field in dataclasses.fields(kind) if field.init and field.name[0] != "_"]
    required = {field.name: made_of(hints[field.name]) for field in fields if _is_required(field)}
    optional = {
        field.name: made_of(hints[field.name]) for field in fields if not _is_required(field)
    }
    values = st.fixed_dictionaries(required, optional=optional)
    return values.map(lambda chosen: _valid(kind, **chosen))


def _valid(kind: Any, /, *values: Any, **named: Any) -> Any:
    """Return a strategy of objects, from combinations of values that the library accepts."""
    try:
        return kind(*values, **named)
    except ValueError:
        reject()


def _is_required(field: Any) -> bool:
    return field.default is field.default_factory is dataclasses.MISSING


@st.composite
def conversations(draw: st.DrawFn) -> list[ModelMessage]:
    """Return a strategy of requests and responses with any parts, with and without runs."""
    made: list[ModelMessage] = []
    for kind in draw(st.lists(st.sampled_from([ModelRequest, ModelResponse]), max_size=4)):
        known = REQUEST_PARTS if kind is ModelRequest else RESPONSE_PARTS
        parts = [draw(made_of(part)) for part in draw(st.lists(st.sampled_from(known), max_size=3))]
        run = draw(st.sampled_from([None, "run-1", "run-2"]))
        made.append(_valid(kind, parts, run_id=run))
    return made
