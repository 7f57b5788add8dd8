"""Parsing of stores' URLs and their options; errors never quote secrets."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from chatstore.core.errors import InvalidArgumentError

Options = Mapping[str, Callable[[str], Any]]
_NAME = re.compile(r"[a-z_]{1,32}")  # other text may be a misplaced secret
_OUTSIDE_URLS = re.compile(r"[\x00-\x20\x7f]")
_FLAGS = {"true": True, "false": False}


def split_url(url: object, example: str) -> SplitResult:
    """Return the parts of a URL.

    Args:
        url: The URL.
        example: A valid URL, for the message.

    Raises:
        InvalidArgumentError: `url` is not a URL, or its port is not a number.

    """
    parts = None
    # `urlsplit` drops line breaks and tabs, so different texts would name the same server.
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
    """Return the options in a URL's query.

    Args:
        parts: The URL.
        options: By name, the function that reads a value; it raises `ValueError` for an invalid
            one.

    Raises:
        InvalidArgumentError: An option is unknown, is given twice, or has an invalid value.

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


def read_path_url(url: object, example: str, options: Options) -> tuple[str, dict[str, Any]]:
    """Return the path and the options of a URL that has nothing else, such as a file's.

    Args:
        url: The URL.
        example: A valid URL, for the message.
        options: As in `read_options`.

    Raises:
        InvalidArgumentError: The URL has a host or a fragment, or `read_options` refuses it.

    """
    parts = None
    if isinstance(url, str) and "://" in url:
        try:
            parts = urlsplit(url)
        except ValueError:
            parts = None
    if parts is None or parts.netloc or parts.fragment:
        raise InvalidArgumentError(
            f"not a URL of the form {example}; write # as %23 and ? as %3F in a path"
        )
    return unquote(parts.path), read_options(parts, options)


def flag(text: str) -> bool:
    """Read ``true`` or ``false``."""
    if text not in _FLAGS:
        raise ValueError
    return _FLAGS[text]


def _expected(read: Callable[[str], Any]) -> str:
    kinds = {float: "a number of seconds", int: "an integer", flag: "true or false"}
    return kinds.get(read, "a valid value")
