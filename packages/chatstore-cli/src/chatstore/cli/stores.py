"""Opening the store that a command works on."""

from __future__ import annotations

from inspect import signature
from typing import TYPE_CHECKING, Any

from chatstore.cli.arguments import URL_VARIABLE
from chatstore.cli.errors import CommandError
from chatstore.cli.exit_codes import ExitCode

if TYPE_CHECKING:
    from chatstore.core import ChatStore, Conversation


def open_existing(url: str | None, **options: Any) -> ChatStore:
    """Open a store to read or change what it has; a missing file or table is an error.

    Args:
        url: From the argument or the environment variable.
        options: Options of the store; they override the URL's.

    Raises:
        CommandError: There is no URL.
        ChatStoreError: The URL is not valid, or its package is missing; the message says which one
            to install.

    """
    from chatstore.core import open_store

    required = require_url(url)
    if _may_create(required):
        options["create"] = False
    return open_store(required, **options)


def open_or_create(url: str | None) -> ChatStore:
    """Like `open_existing`, but the first call creates a missing file or table."""
    from chatstore.core import open_store

    return open_store(require_url(url))


def require_url(url: str | None) -> str:
    """Return the URL.

    Raises:
        CommandError: It is missing.

    """
    if not url:
        raise CommandError(
            f"which store? Give its URL as the last argument, or set {URL_VARIABLE}; "
            "for example sqlite:///chat.db",
            ExitCode.USAGE,
        )
    return url


def require_conversation(store: ChatStore, key: str) -> Conversation:
    """Return the record of a conversation.

    Raises:
        CommandError: It does not exist.

    """
    conversation = store.get_conversation(key)
    if conversation is None:
        raise CommandError(
            f"there is no conversation with the key {key!r}; `chatstore ls` lists them"
        )
    return conversation


def _may_create(url: str) -> bool:
    """Return whether the URL's backend has the option ``create``."""
    from importlib.metadata import entry_points

    from chatstore.core.urls import GROUP

    scheme = url.partition(":")[0].lower()
    return any(
        "create" in signature(entry.load()).parameters
        for entry in entry_points(group=GROUP, name=scheme)
    )
