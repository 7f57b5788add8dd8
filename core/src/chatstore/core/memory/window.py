"""The choice of the messages of a window, without I/O, from the newest message backwards.

A *turn* is a user message and everything up to the next one. An exchange that a provider would
refuse is left out as a whole; see `chatstore.core.memory.exchanges`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from chatstore.core.memory.exchanges import ExchangeFinder, Part, arrange, join
from chatstore.core.messages import ChatMessage, MessageRole

PINNED_ROLES = {MessageRole.SYSTEM, MessageRole.DEVELOPER}


class Window:
    """Takes messages, newest first, until it has the newest whole turns that fit.

    A turn can be judged without the messages before its user message, so each message is examined
    once. There is one exception: if the newest message is a tool result, everything back to the
    turn of its call is one turn.

    Attributes:
        enough: Older messages cannot change the choice.
        fits: The choice is within the limit.

    """

    def __init__(self, room: int, count: Callable[[ChatMessage], int]) -> None:
        """Start without messages.

        Args:
            room: The most tokens of the window; if negative, no message fits.
            count: Counts the tokens of a message of which only some blocks are in the window.

        """
        self.enough = False
        self.fits = room >= 0
        self._room = room
        self._count = count
        self._finder = ExchangeFinder()
        self._chosen: list[list[Part]] = []  # newest turn first
        self._pending: list[Part] = []  # newest first; not yet part of a turn
        self._unanswered: list[Part] | None = None  # the newest message's results without a call

    def add(self, message: ChatMessage, tokens: int) -> None:
        """Add the next older message, which has ``tokens`` tokens."""
        parts = self._finder.add(message, tokens)
        if self._unanswered is None:
            self._unanswered = [part for part in parts if part.answers is not None]
        exchange = parts[0].exchange
        if exchange is not None and exchange.is_newest:
            self._unanswered = []
        for part in reversed(parts):
            self._pending.append(part)
            if not self._unanswered:
                self._close_turn()

    def finish(self) -> None:
        """Complete the choice: there are no older messages."""
        if self._unanswered:  # the newest message belongs to no call: it is left out
            pending, self._pending, self._unanswered = self._pending, [], []
            for part in pending:
                self._pending.append(part)
                self._close_turn()
        if not self._chosen and not self.enough:
            self._close_without_user()
        self.enough = True

    def messages(self) -> list[ChatMessage]:
        """Return the choice, oldest first."""
        parts = [part for turn in reversed(self._chosen) for part in turn]
        return [message for message, _ in join(parts)]

    def _close_turn(self) -> None:
        """Choose the pending parts if the last of them begins a turn."""
        if self._pending[-1].begins_turn and not self.enough:
            self._take(arrange(self._pending[::-1]))
            self._pending = []

    def _close_without_user(self) -> None:
        """Choose from messages that do not begin with a user message."""
        parts = self._pending[::-1]
        for index, part in enumerate(parts):
            if part.begins_turn:
                # Only the newest exchange can begin before the first user message.
                self._take([*arrange(parts[index:]), *_newest_exchange(parts[:index])])
                return
        groups: list[list[Part]] = []
        for part in arrange(parts):
            if groups and (part.answers is not None or groups[-1][-1].joins):
                groups[-1].append(part)
            else:
                groups.append([part])
        for group in reversed(groups):
            if self.enough:
                return
            self._take(group)

    def _take(self, parts: list[Part]) -> None:
        joined = join(parts)
        tokens = sum(self._count(m) if known is None else known for m, known in joined)
        if tokens > self._room:
            self.enough = True
            if self._chosen:
                return
            self.fits = False
        self._room -= tokens
        self._chosen.append(parts)


def accepted(messages: Sequence[ChatMessage], *, newest: bool) -> list[bool]:
    """Return for each message whether a provider accepts it, possibly at another index.

    Args:
        messages: A part of the conversation, oldest first, that begins with a turn or at the
            beginning of the conversation.
        newest: The part ends with the newest message, so results may still follow.

    """
    finder = ExchangeFinder(newest=newest)
    parts = [finder.add(message) for message in reversed(messages)][::-1]
    accepted_parts = set(map(id, arrange([part for group in parts for part in group])))
    return [all(id(part) in accepted_parts for part in group) for group in parts]


def arranged(messages: Sequence[ChatMessage], *, newest: bool) -> list[ChatMessage]:
    """Return the messages that a provider accepts, in an order that it accepts.

    For adapters that do not read windows. Incomplete exchanges and results without a call are
    left out; user messages between a call and its result are moved behind the result.

    Args:
        messages: A part of the conversation, oldest first.
        newest: The part ends with the newest message, so results may still follow.

    """
    finder = ExchangeFinder(newest=newest)
    parts = [finder.add(message) for message in reversed(messages)][::-1]
    return [message for message, _ in join(arrange([part for group in parts for part in group]))]


def _newest_exchange(parts: Sequence[Part]) -> list[Part]:
    for index, part in enumerate(parts):
        if part.exchange is not None and part.exchange.is_newest:
            first = index
            while first > 0 and parts[first - 1].joins:
                first -= 1
            return [*parts[first:index], part.exchange.caller, *part.exchange.results]
    return []
