"""``Compactor``: compaction with a framework's messages, for adapters."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Generic, TypeVar

from chatstore.core.checks import check_count
from chatstore.core.errors import InvalidArgumentError
from chatstore.core.memory.buffer import ChatMemoryBuffer
from chatstore.core.messages import ChatMessage

M = TypeVar("M")


class Compactor(Generic[M]):
    """Compacts conversations with a function that takes and returns a framework's messages."""

    def __init__(
        self,
        summarize: Callable[[list[M]], Any],
        above: int | None,
        *,
        to_framework: Callable[[Iterable[ChatMessage]], list[M]],
        to_messages: Callable[[Iterable[M]], list[ChatMessage]],
    ) -> None:
        """Create a compactor.

        Args:
            summarize: Returns text or a message; it may be async where its callers are.
            above: As for `ChatMemoryBuffer.compact`.
            to_framework: Converts a store's messages.
            to_messages: Converts what ``summarize`` returns, unless it is text.

        Raises:
            InvalidArgumentError: ``above`` is not an integer of at least 0, or ``summarize`` is
                not a function.

        """
        if not callable(summarize):
            raise InvalidArgumentError(
                f"summarize must be a function, not {type(summarize).__name__}"
            )
        self._summarize = summarize
        self._above = None if above is None else check_count(above, "compact_above")
        self._to_framework = to_framework
        self._to_messages = to_messages

    def compact(self, buffer: ChatMemoryBuffer, overhead: Any = None) -> ChatMessage | None:
        """Compact the buffer's conversation; see `ChatMemoryBuffer.compact`."""
        return buffer.compact(self._call, above=self._above, overhead=overhead)

    async def async_compact(
        self, buffer: ChatMemoryBuffer, overhead: Any = None
    ) -> ChatMessage | None:
        """Like `compact`, but awaitable."""
        return await buffer.async_compact(self._async_call, above=self._above, overhead=overhead)

    def _call(self, messages: list[ChatMessage]) -> Any:
        return self._converted(self._summarize(self._to_framework(messages)))

    async def _async_call(self, messages: list[ChatMessage]) -> Any:
        made = self._summarize(self._to_framework(messages))
        return self._converted(await made if isinstance(made, Awaitable) else made)

    def _converted(self, made: Any) -> Any:
        if isinstance(made, (str, Awaitable)):
            return made  # the buffer refuses an awaitable
        [message] = self._to_messages([made])
        return message


def make_compactor(
    summarize: Callable[[list[M]], Any] | None,
    above: int | None,
    *,
    to_framework: Callable[[Iterable[ChatMessage]], list[M]],
    to_messages: Callable[[Iterable[M]], list[ChatMessage]],
) -> Compactor[M] | None:
    """Return a compactor; ``None`` without a function.

    Raises:
        InvalidArgumentError: ``above`` is given without ``summarize``, or one is not valid.

    """
    if summarize is None:
        if above is not None:
            raise InvalidArgumentError("compact_above has no effect without summarize")
        return None
    return Compactor(summarize, above, to_framework=to_framework, to_messages=to_messages)
