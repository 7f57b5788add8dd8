"""The window that a model would be sent, as ids of messages."""

from __future__ import annotations

import asyncio
import warnings
from itertools import takewhile
from typing import Any

from chatstore.core import ChatMemoryBuffer, ChatStore, MessageRole, TokenLimitWarning
from chatstore.core.tokens.encodings import DEFAULT_ENCODING, find_encoding

_PINNED = {MessageRole.SYSTEM, MessageRole.DEVELOPER}


class WindowReader:
    """Reads windows of a store's conversations."""

    def __init__(self, store: ChatStore) -> None:
        """Take the store."""
        self._store = store
        self._lock = asyncio.Lock()

    async def read(self, key: str, limit: int, *, is_sliding: bool) -> dict[str, Any]:
        """Return the ids of a window, the first one behind the pinned messages, and the tokens.

        The tokens are estimated if the vocabulary could not be loaded.

        Raises:
            InvalidArgumentError: ``limit`` is not a positive integer.

        """
        buffer = ChatMemoryBuffer(limit, self._store, key, cut="sliding" if is_sliding else "steps")
        # Filters of warnings belong to the process, so only one call at a time may set them.
        async with self._lock:
            with warnings.catch_warnings():
                # The page shows the number of tokens.
                warnings.simplefilter("ignore", TokenLimitWarning)
                messages = await buffer.async_get()
        pinned = len(list(takewhile(lambda message: message.role in _PINNED, messages)))
        return {
            "ids": [message.id for message in messages],
            "start": messages[pinned].id if pinned < len(messages) else None,
            "tokens": sum(map(buffer.count, messages)),
            "is_estimated": find_encoding(DEFAULT_ENCODING) is None,
            "limit": limit,
        }
