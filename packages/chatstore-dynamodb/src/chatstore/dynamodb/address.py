"""Names of tables and attributes, and ``dynamodb://`` URLs."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from chatstore.core import InvalidArgumentError

# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
_TABLE_NAME = re.compile(r"[A-Za-z0-9_.-]{3,255}")
# A table's ARN takes its place: arn:aws:dynamodb:REGION:ACCOUNT:table/NAME
_ARN = re.compile(r"arn:[a-z-]+:dynamodb:[a-z0-9-]+:\d{12}:table/[A-Za-z0-9_.-]{3,255}")
_LONGEST_ATTRIBUTE = 255  # bytes, as an attribute of a key
_OPTIONS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "region": ("region_name", str),
    "profile": ("profile_name", str),
    "endpoint_url": ("endpoint_url", str),
    "primary_key": ("primary_key", str),
    "timeout": ("timeout", float),
    "ttl": ("ttl", float),
    "ttl_attribute": ("ttl_attribute", str),
}


def check_table(name: object) -> str:
    """Return the name of a table, or its ARN.

    Raises:
        InvalidArgumentError: It is none.

    """
    if isinstance(name, str) and (_TABLE_NAME.fullmatch(name) or _ARN.fullmatch(name)):
        return name
    message = "a table's name has 3 to 255 letters, digits, '-', '_' or '.'"
    raise InvalidArgumentError(message)


def check_attribute(name: object, what: str) -> str:
    """Return the name of an attribute.

    Raises:
        InvalidArgumentError: It is none.

    """
    if isinstance(name, str) and 0 < len(name.encode()) <= _LONGEST_ATTRIBUTE:
        return name
    message = f"{what} must be an attribute's name of 1 to {_LONGEST_ATTRIBUTE} bytes"
    raise InvalidArgumentError(message)


def read_url(url: str) -> tuple[str, dict[str, Any]]:
    """Return the table and the options of ``dynamodb://table?region=…``.

    Raises:
        InvalidArgumentError: It is no such URL.

    """
    try:
        parts = urlsplit(url)
        pairs = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
    except (ValueError, AttributeError):
        message = "this is no dynamodb:// URL: dynamodb://TABLE?region=eu-central-1"
        raise InvalidArgumentError(message) from None
    is_plain = parts.scheme == "dynamodb" and not parts.path.strip("/") and not parts.fragment
    if not is_plain or "@" in parts.netloc:
        message = (
            "a dynamodb:// URL looks like dynamodb://TABLE?region=eu-central-1; "
            "credentials are boto3's business: environment, profile, role"
        )
        raise InvalidArgumentError(message)
    # Case counts in a table's name: `hostname` would lose it.
    return check_table(unquote(parts.netloc)), _read_options(pairs)


def _read_options(pairs: list[tuple[str, str]]) -> dict[str, Any]:
    given = dict(pairs)
    if len(given) < len(pairs) or not given.keys() <= _OPTIONS.keys():
        message = f"a dynamodb:// URL has the options {', '.join(_OPTIONS)}, each once"
        raise InvalidArgumentError(message)
    try:
        return {_OPTIONS[name][0]: _OPTIONS[name][1](value) for name, value in given.items()}
    except ValueError as error:
        message = "ttl and timeout must be numbers of seconds"
        raise InvalidArgumentError(message) from error
