"""``ListWindow``: the newest part of a list of messages, by the rules of ``ChatMemoryBuffer``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from chatstore.core.checks import check_count
from chatstore.core.memory.buffer import ChatMemoryBuffer
from chatstore.core.messages import ChatMessage
from chatstore.core.simple import SimpleChatStore

_KEY = "list"


class ListWindow:
    """Selects what to send of a list that a framework keeps; for adapters.

    Attributes:
        token_limit: The most tokens to send.

    """

    def __init__(
        self,
        token_limit: int = 3000,
        tokenizer_fn: Callable[[str], Sequence[object]] | None = None,
        model: str | None = None,
    ) -> None:
        """Create a window; the arguments are those of `ChatMemoryBuffer`.

        Raises:
            InvalidArgumentError: `token_limit` is not a positive integer.

        """
        self.token_limit = check_count(token_limit, "token_limit", least=1)
        self._tokenizer_fn = tokenizer_fn
        self._model = model

    async def select(
        self,
        outlines: Sequence[ChatMessage],
        payload_of: Callable[[int], Any],
        *,
        besides: Any = None,
    ) -> list[int]:
        """Return the indexes of the items to send, in their order.

        Args:
            outlines: For each item of the list a message with its role, calls and results.
            payload_of: Returns what is sent for the item at an index, as JSON.
            besides: What is sent in addition, as text or JSON.

        Warns:
            TokenLimitWarning: The newest turn alone does not fit; it is selected whole.

        """
        buffer = ChatMemoryBuffer(
            self.token_limit,
            SimpleChatStore(),
            _KEY,
            self._tokenizer_fn,
            self._model,
            payload_fn=lambda message: payload_of(int(message.id or 0)),
        )
        await buffer.async_set(
            outline.model_copy(update={"id": str(index)}) for index, outline in enumerate(outlines)
        )
        return [int(message.id or 0) for message in await buffer.async_get(besides=besides)]
