"""URLs of stores: ``cosmos://:KEY@HOST/DATABASE/CONTAINER?ttl=3600``."""

from __future__ import annotations

from typing import Any, NamedTuple
from urllib.parse import unquote

from chatstore.azure_core.credentials import check_key
from chatstore.core import InvalidArgumentError
from chatstore.core.backend import Options, flag, read_options, split_url
from chatstore.cosmos.address import Address, check_address

_SCHEMES = {"cosmos": "https", "cosmos+http": "http"}
_OPTIONS: Options = {
    "consistency": str,
    "create": flag,
    "max_connections": int,
    "patience": float,
    "timeout": float,
    "ttl": float,
}
_EXAMPLE = "cosmos://:KEY@HOST/DATABASE/CONTAINER?ttl=3600"


class StoreUrl(NamedTuple):
    """What a URL says; `repr` shows no key."""

    address: Address
    key: str
    options: dict[str, Any]

    def __repr__(self) -> str:
        """Return the address only."""
        return f"StoreUrl({self.address!r})"


def read_url(url: str) -> StoreUrl:
    """Return what a URL says.

    Raises:
        InvalidArgumentError: The URL has another form, or an option is unknown or not valid.

    """
    parts = split_url(url, _EXAMPLE)
    names = [unquote(name) for name in parts.path.removeprefix("/").split("/")]
    is_whole = parts.password and not parts.username and parts.hostname and not parts.fragment
    # Programs disagree about where the host begins after a second '@'.
    if parts.scheme not in _SCHEMES or not is_whole or parts.netloc.count("@") != 1:
        names = []
    if len(names) != 2:
        raise InvalidArgumentError(
            f"not a URL of the form {_EXAMPLE}, with the key percent-encoded"
        )
    endpoint = f"{_SCHEMES[parts.scheme]}://{parts.netloc.rpartition('@')[2]}/"
    return StoreUrl(
        check_address(endpoint, *names),
        check_key(unquote(parts.password or ""), "key"),
        read_options(parts, _OPTIONS),
    )
