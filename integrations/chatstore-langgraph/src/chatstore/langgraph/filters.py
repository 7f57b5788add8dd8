"""Which items a search of LangGraph's store finds, and which namespaces a list names."""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from typing import Any

from langgraph.store.base import MatchCondition

_ORDERED = {
    "$gt": operator.gt,
    "$gte": operator.ge,
    "$lt": operator.lt,
    "$lte": operator.le,
}


def matches_filter(value: Mapping[str, Any], filters: Mapping[str, Any] | None) -> bool:
    """Return whether a value has what all filters demand.

    Raises:
        ValueError: A filter has an unknown operator.

    """
    return all(_matches(value.get(name), expected) for name, expected in (filters or {}).items())


def matches_namespace(namespace: Sequence[str], condition: MatchCondition) -> bool:
    """Return whether a namespace begins or ends with a path; ``"*"`` is any label.

    Raises:
        ValueError: The condition has an unknown type.

    """
    path = condition.path
    if condition.match_type == "prefix":
        labels = namespace[: len(path)]
    elif condition.match_type == "suffix":
        labels = namespace[max(0, len(namespace) - len(path)) :]
    else:
        raise ValueError(f"unknown match type {condition.match_type!r}; use 'prefix' or 'suffix'")
    return len(labels) == len(path) and all(
        expected in ("*", label) for label, expected in zip(labels, path, strict=True)
    )


def _matches(value: Any, expected: Any) -> bool:
    if not isinstance(expected, Mapping):
        return bool(value == expected)
    if any(str(name).startswith("$") for name in expected):
        return all(_compare(value, name, operand) for name, operand in expected.items())
    return isinstance(value, Mapping) and matches_filter(value, expected)


def _compare(value: Any, name: str, operand: Any) -> bool:
    if name == "$eq":
        return bool(value == operand)
    if name == "$ne":
        return bool(value != operand)
    if name not in _ORDERED:
        known = ", ".join(["$eq", "$ne", *_ORDERED])
        raise ValueError(f"unknown operator {name!r} in a filter; known operators: {known}")
    try:
        return bool(_ORDERED[name](value, operand))
    except TypeError:  # a missing value, or one of another type
        return False
