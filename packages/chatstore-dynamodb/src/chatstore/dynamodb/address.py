"""Names of tables and attributes, and ``dynamodb://`` URLs."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote

from chatstore.core import InvalidArgumentError
from chatstore.core.backend import Options, read_options, split_url

BODY = "b"
VERSION = "v"
LAYOUT = (BODY, VERSION)
"""The attributes of an item beside the table's key and the one that its TTL looks at."""

# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
_TABLE_NAME = re.compile(r"[A-Za-z0-9_.-]{3,255}")
# A table's ARN takes its place: arn:aws:dynamodb:REGION:ACCOUNT:table/NAME
_ARN = re.compile(r"arn:[a-z-]+:dynamodb:([a-z0-9-]+):\d{12}:table/[A-Za-z0-9_.-]{3,255}")
_MAX_ATTRIBUTE_BYTES = 255  # of an attribute that is part of a key
_EXAMPLE = "dynamodb://TABLE?region=eu-central-1"
_PARAMETERS = {"region": "region_name", "profile": "profile_name"}
_OPTIONS: Options = {
    "region": str,
    "profile": str,
    "endpoint_url": str,
    "primary_key": str,
    "max_connections": int,
    "timeout": float,
    "ttl": float,
    "ttl_attribute": str,
}


def check_table(name: object) -> str:
    """Return the name of a table, or its ARN.

    Raises:
        InvalidArgumentError: `name` is not a valid table name or ARN.

    """
    if isinstance(name, str) and (_TABLE_NAME.fullmatch(name) or _ARN.fullmatch(name)):
        return name
    shown = repr(name) if isinstance(name, str) and re.fullmatch(r"[\w. -]{0,40}", name) else "this"
    raise InvalidArgumentError(
        f"{shown} is not a table name of 3 to 255 letters, digits, '-', '_' or '.', "
        "nor the ARN of a table"
    )


def check_region(region_name: object, table_name: str) -> str | None:
    """Return the region to ask: the given one, else that of the table's ARN.

    Raises:
        InvalidArgumentError: `region_name` is not a region, or differs from that of the ARN.

    """
    arn = _ARN.fullmatch(table_name)
    if region_name is None:
        return arn[1] if arn else None
    if not isinstance(region_name, str) or not re.fullmatch(r"[a-z0-9-]{1,63}", region_name):
        raise InvalidArgumentError(
            "region_name must be the name of an AWS region, such as eu-central-1"
        )
    if arn and arn[1] != region_name:
        raise InvalidArgumentError(
            f"the table's ARN is in {arn[1]}, and region_name is {region_name}: leave one out"
        )
    return region_name


def check_endpoint(endpoint_url: object) -> str | None:
    """Return the endpoint's URL.

    Raises:
        InvalidArgumentError: `endpoint_url` is not an ``http://`` or ``https://`` URL of a host,
            or has a user, a query or a fragment.

    """
    if endpoint_url is None:
        return None
    example = "https://HOST:PORT"
    parts = split_url(endpoint_url, example)
    extra = parts.username is not None or "@" in parts.netloc or parts.query or parts.fragment
    if parts.scheme not in {"http", "https"} or not parts.hostname or extra:
        raise InvalidArgumentError(
            f"endpoint_url must look like {example}, without user, query or fragment"
        )
    return str(endpoint_url)


def check_attributes(primary_key: object, ttl_attribute: object) -> tuple[str, str]:
    """Return the names of the key's and of the TTL's attribute.

    Raises:
        InvalidArgumentError: One is not a name of an attribute, is one that the store's items
            have for something else, or both are the same.

    """
    names = [
        _check_attribute(primary_key, "primary_key"),
        _check_attribute(ttl_attribute, "ttl_attribute"),
    ]
    if names[0] == names[1]:
        raise InvalidArgumentError(
            f"primary_key and ttl_attribute must differ, both are {names[0]!r}"
        )
    return names[0], names[1]


def _check_attribute(name: object, what: str) -> str:
    if not isinstance(name, str) or not 0 < len(_utf8(name)) <= _MAX_ATTRIBUTE_BYTES:
        raise InvalidArgumentError(
            f"{what} must be the name of an attribute, of 1 to {_MAX_ATTRIBUTE_BYTES} bytes"
        )
    if name in LAYOUT:
        raise InvalidArgumentError(
            f"{what} must not be {name!r}: the store's items have their own attributes of the "
            f"names {' and '.join(map(repr, LAYOUT))}; use a table whose key has another name"
        )
    return name


def _utf8(text: str) -> bytes:
    return text.encode(errors="ignore")


def read_url(url: str) -> tuple[str, dict[str, Any]]:
    """Return the table and the constructor's options of ``dynamodb://table?region=…``.

    Raises:
        InvalidArgumentError: `url` is not such a URL, or has an unknown or wrong option.

    """
    parts = split_url(url, _EXAMPLE)
    is_plain = parts.scheme == "dynamodb" and not parts.path.strip("/") and not parts.fragment
    if not is_plain or "@" in parts.netloc:
        raise InvalidArgumentError(
            f"not a URL of the form {_EXAMPLE}; credentials come from boto3: from the "
            "environment, a profile or a role"
        )
    options = read_options(parts, _OPTIONS)
    # Case counts in a table's name: `hostname` would lose it.
    table_name = check_table(unquote(parts.netloc))
    return table_name, {_PARAMETERS.get(name, name): value for name, value in options.items()}
