"""``ListWindow``: the newest part of a list of messages, by the rules of ``ChatMemoryBuffer``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from chatstore.core.checks import check_count
from chatstore.core.memory.buffer import ChatMemoryBuffer
from chatstore.core.memory.window import Cut, check_cut
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
        *,
        cut: Cut = "steps",
    ) -> None:
        """Create a window; the arguments are those of `ChatMemoryBuffer`.

        Raises:
            InvalidArgumentError: `token_limit` is not a positive integer, or `cut` is neither
                ``"steps"`` nor ``"sliding"``.

        """
        self.token_limit = check_count(token_limit, "token_limit", least=1)
        self._tokenizer_fn = tokenizer_fn
        self._model = model
        self._cut: Cut = check_cut(cut)

    async def select(
        self,
        outlines: Sequence[ChatMessage],
        payload_of: Callable[[int], Any],
        *,
        overhead: Any = None,
    ) -> list[int]:
        """Return the indexes of the items to send, in their order.

        Args:
            outlines: For each item of the list a message with its role, calls and results.
            payload_of: Returns what is sent for the item at an index, as JSON.
            overhead: What is sent in addition; see `ChatMemoryBuffer.get`.

        Warns:
            TokenLimitWarning: The newest exchange alone does not fit; it is selected whole.

        """
        buffer = ChatMemoryBuffer(
            self.token_limit,
            SimpleChatStore(),
            _KEY,
            self._tokenizer_fn,
            self._model,
            cut=self._cut,
            payload_fn=lambda message: payload_of(int(message.id or 0)),
        )
        await buffer.async_set(
            outline.model_copy(update={"id": str(index)}) for index, outline in enumerate(outlines)
        )
        return [int(message.id or 0) for message in await buffer.async_get(overhead=overhead)]
