"""Options in the query of a store's URL."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

from chatstore.core.errors import InvalidArgumentError


def read_options(query: str, where: str, **kinds: Callable[[str], Any]) -> dict[str, Any]:
    """Return the options of a URL's query, each as a value of its kind.

    Args:
        query: What follows the question mark, such as ``ttl=60&timeout=5``.
        where: What the options belong to, for messages: ``"the Redis URL"``.
        kinds: By name of an option what reads it: ``float``, ``int``, ``str`` or `read_bool`.

    Raises:
        InvalidArgumentError: An option is unknown, occurs twice, or is not of its kind.

    """
    options: dict[str, Any] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        if name not in kinds:
            known = ", ".join(sorted(kinds)) or "none"
            message = f"unknown option {name[:40]!r} in {where}; known options: {known}"
            raise InvalidArgumentError(message)
        if name in options:
            message = f"the option {name} occurs twice in {where}"
            raise InvalidArgumentError(message)
        options[name] = _read(name, value, kinds[name], where)
    return options


def read_bool(text: str) -> bool:
    """Return a yes or no.

    Raises:
        ValueError: The text is none of true, false, yes, no, 1, 0.

    """
    values = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
    try:
        return values[text.lower()]
    except KeyError:
        raise ValueError from None


def _read(name: str, value: str, kind: Callable[[str], Any], where: str) -> Any:
    try:
        return kind(value)
    except ValueError:
        names = {float: "a number", int: "an integer", read_bool: "true or false"}
        message = f"the option {name} in {where} must be {names.get(kind, 'valid')}"
    raise InvalidArgumentError(message)  # outside: the other error quotes the value
