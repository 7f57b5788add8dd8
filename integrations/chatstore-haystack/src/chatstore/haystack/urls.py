"""Open the URL of a store; recognize URLs that must not be saved."""

from __future__ import annotations

import re

from haystack.utils import Secret

from chatstore.core import ChatStore, InvalidArgumentError, open_store
from chatstore.core.foreign import describe_store

_SECRET_WORDS = ("pass", "pwd", "token", "secret", "key", "credential", "auth", "sig")


def open_url(url: Secret | str) -> ChatStore:
    """Open the store of a URL.

    Raises:
        UnknownSchemeError: No installed distribution has this scheme.
        InvalidArgumentError: `url` is not a URL, or a `Secret` without a value.

    """
    if isinstance(url, Secret):
        value = url.resolve_value()
        if not isinstance(value, str):
            raise InvalidArgumentError(
                "the secret of the store's URL has no value: is its environment variable set?"
            )
        url = value
    if not isinstance(url, str):
        raise InvalidArgumentError(
            "store must be a chatstore.core.ChatStore, a URL or a Secret, "
            f"not {describe_store(url)}"
        )
    return open_store(url)


def may_hold_secret(url: str) -> bool:
    """Return whether a URL may contain a password, a token or a key."""
    rest = url.partition("://")[2]
    address, _, query = rest.partition("?")
    # A password may contain a slash; a path without a host, such as SQLite's, has no password.
    if not address.startswith("/") and "@" in address:
        return True
    names = (option.partition("=")[0].lower() for option in re.split("[&;#]", query))
    return any(word in name for name in names for word in _SECRET_WORDS)
