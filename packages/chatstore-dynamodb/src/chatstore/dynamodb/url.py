"""``dynamodb://`` URLs."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

from chatstore.core import InvalidArgumentError
from chatstore.core.backend import Options, flag, read_options, split_url
from chatstore.dynamodb.settings import check_table

_EXAMPLE = "dynamodb://TABLE?region=eu-central-1"
_PARAMETERS = {"region": "region_name", "profile": "profile_name"}
_OPTIONS: Options = {
    "region": str,
    "profile": str,
    "endpoint_url": str,
    "primary_key": str,
    "max_connections": int,
    "timeout": float,
    "patience": float,
    "ttl": float,
    "ttl_attribute": str,
    "create": flag,
}


def read_url(url: str) -> tuple[str, dict[str, Any]]:
    """Return the table and the constructor's options of ``dynamodb://table?region=…``.

    Raises:
        InvalidArgumentError: `url` is not such a URL, or an option is unknown or not valid.

    """
    parts = split_url(url, _EXAMPLE)
    is_plain = parts.scheme == "dynamodb" and not parts.path.strip("/") and not parts.fragment
    if not is_plain or "@" in parts.netloc:
        raise InvalidArgumentError(
            f"not a URL of the form {_EXAMPLE}; credentials come from boto3: from the "
            "environment, a profile or a role"
        )
    options = read_options(parts, _OPTIONS)
    # Table names are case-sensitive: `hostname` would lose the case.
    table_name = check_table(unquote(parts.netloc))
    return table_name, {_PARAMETERS.get(name, name): value for name, value in options.items()}
