"""Read URLs of stores: the parts and the options, without quoting a secret in an error."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import SplitResult, parse_qsl, urlsplit

from chatstore.core.errors import InvalidArgumentError

Options = Mapping[str, Callable[[str], Any]]
_NAME = re.compile(r"[a-z_]{1,32}")  # anything else may be a secret at the wrong place
_OUTSIDE_URLS = re.compile(r"[\x00-\x20\x7f]")
_FLAGS = {"true": True, "false": False}


def split_url(url: object, example: str) -> SplitResult:
    """Return the parts of a URL.

    Args:
        url: What the caller gave.
        example: A URL of the right form, for the message.

    Raises:
        InvalidArgumentError: `url` is not a URL, or its port is not a number.

    """
    parts = None
    # `urlsplit` drops line ends and tabs, so that two different texts would name one place.
    if isinstance(url, str) and not _OUTSIDE_URLS.search(url):
        try:
            parts = urlsplit(url)
            parts.port  # noqa: B018 - raises where it is not a number
        except ValueError:
            parts = None
    if parts is None:
        # Outside of the handler: the standard library's error may quote the password.
        raise InvalidArgumentError(
            f"not a URL of the form {example}; percent-encode what is not plain ASCII"
        )
    return parts


def read_options(parts: SplitResult, options: Options) -> dict[str, Any]:
    """Return the options in a URL's query, each read by its function.

    Args:
        parts: The URL.
        options: By name, what reads a value; it raises `ValueError` for a value that it refuses.

    Raises:
        InvalidArgumentError: An option is unknown, is given twice, or has a value of another type.

    """
    where = f"the {parts.scheme}:// URL"
    pairs = []
    if parts.query:
        try:
            pairs = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=True)
        except ValueError:
            pairs = [("", "")]
    values: dict[str, Any] = {}
    for name, text in pairs:
        known = f"known options: {', '.join(sorted(options))}"
        if name not in options:
            shown = repr(name) if _NAME.fullmatch(name) else "that is not name=value"
            raise InvalidArgumentError(f"unknown option {shown} in {where}; {known}")
        if name in values:
            raise InvalidArgumentError(f"the option {name!r} is given twice in {where}")
        try:
            values[name] = options[name](text)
        except ValueError:
            values[name] = None
        if values[name] is None:
            raise InvalidArgumentError(
                f"the option {name!r} in {where} must be {_expected(options[name])}"
            )
    return values


def flag(text: str) -> bool:
    """Read ``true`` or ``false``."""
    if text not in _FLAGS:
        raise ValueError
    return _FLAGS[text]


def _expected(read: Callable[[str], Any]) -> str:
    kinds = {float: "a number of seconds", int: "an integer", flag: "true or false"}
    return kinds.get(read, "a valid value")
