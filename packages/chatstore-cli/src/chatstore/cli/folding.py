"""Messages as a chat is read: the results of tool calls are under the calls."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from chatstore.core.pairing import pair_calls
from chatstore.core.tool_calls import (
    TOOL_ROLES,
    Call,
    Result,
    calls_of,
    result_blocks,
    results_of,
)

if TYPE_CHECKING:
    from chatstore.core import ChatMessage


@dataclass(frozen=True)
class Entry:
    """A message with its calls.

    Attributes:
        message: The message.
        calls: Its calls; each with its result, ``None`` if it has none yet.
        results: Results without a call among the messages just before them.

    """

    message: ChatMessage
    calls: list[tuple[Call, Result | None]] = field(default_factory=list)
    results: list[Result] = field(default_factory=list)


class Folding:
    """Collects a message with calls and the messages with their results."""

    def __init__(self) -> None:
        """Begin without messages."""
        self._open: list[ChatMessage] = []
        self._missing = 0

    def add(self, message: ChatMessage) -> Iterator[Entry]:
        """Add the next message; yield the entries that are complete now."""
        results = results_of(message)
        if self._open and results:
            self._open.append(message)
            self._missing -= len(results)
            if _has_only_results(message):
                if self._missing <= 0:
                    yield from self.flush()
                return
            results = []  # the rest of the message is an entry of its own
        yield from self.flush()
        calls = calls_of(message)
        if calls:
            self._open, self._missing = [message], len(calls)
        else:
            yield Entry(message, results=results)

    def flush(self) -> Iterator[Entry]:
        """Yield the open entry, as it is."""
        messages, self._open = self._open, []
        if not messages:
            return
        pairs = pair_calls(messages)
        results = {
            (index, number): result
            for index, message in enumerate(messages)
            for number, result in enumerate(results_of(message))
        }
        answers = {pair.call: results.pop((pair.result_message, pair.result)) for pair in pairs}
        calls = [(call, answers.get(number)) for number, call in enumerate(calls_of(messages[0]))]
        yield Entry(messages[0], calls, list(results.values()))


def fold(messages: Iterable[ChatMessage]) -> Iterator[Entry]:
    """Yield the entries of messages, oldest first."""
    folding = Folding()
    for message in messages:
        yield from folding.add(message)
    yield from folding.flush()


def _has_only_results(message: ChatMessage) -> bool:
    """Return whether all that a message has are results; a user may add text to them."""
    if isinstance(message.content, list):
        in_blocks = result_blocks(message)
        if in_blocks:
            return len(in_blocks) == len(message.content)
    return message.role in TOOL_ROLES
