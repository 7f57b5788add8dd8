"""What a subject can do; each call is one that its users make."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Coroutine
from typing import Any, Protocol, TypeVar
from urllib.parse import unquote, urlsplit

T = TypeVar("T")
_TEXT = "A message of about six hundred bytes, as a chat has them: a question or an answer. " * 7
_numbers = itertools.count()
WINDOW_TOKENS = 3000
WINDOW_MESSAGES = 20  # about as many as fit, for packages that count messages instead of tokens


def text() -> str:
    """Return a new text, so that no cache of token counts helps."""
    return f"{next(_numbers)}. {_TEXT}"


def secret_and_endpoint(url: str) -> tuple[str, str]:
    """Return the token or key, and the HTTP address, of a URL of Upstash or Cosmos DB."""
    parts = urlsplit(url)
    return unquote(parts.password or ""), f"http://{parts.hostname}:{parts.port}"


def azure_connection_string(url: str) -> str:
    """Return the connection string of an ``azure-tables`` URL of Azurite."""
    parts = urlsplit(url)
    endpoint = f"http://{parts.hostname}:{parts.port}/{parts.username}"
    return (
        f"DefaultEndpointsProtocol=http;AccountName={parts.username};"
        f"AccountKey={unquote(parts.password or '')};TableEndpoint={endpoint};"
    )


class Subject(Protocol):
    """A store on one server, with the calls that the workloads make.

    A package with async methods also has ``async_append`` and ``run``, its `Loop`; one without
    others has ``IS_ASYNC = True``.
    """

    def append(self, key: str) -> object:
        """Add one message to a conversation."""

    def window(self, key: str) -> object:
        """Return the newest messages, as they are sent to a model."""

    def read(self, key: str) -> int:
        """Read the whole conversation; return how many messages it has."""

    def fill(self, key: str, count: int) -> object:
        """Replace a conversation by ``count`` messages, in one call where that is possible."""

    def delete_last(self, key: str) -> object:
        """Remove the newest message."""


class Loop:
    """Runs coroutines on one event loop, as a server does."""

    def __init__(self) -> None:
        """Create the loop."""
        self._loop = asyncio.new_event_loop()

    def __call__(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine to its end."""
        return self._loop.run_until_complete(work)
