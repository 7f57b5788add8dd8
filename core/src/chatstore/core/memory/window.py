"""Which messages make up a window: pure, and fed from the newest message on.

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

    A turn never needs what is older than its user message to be judged, so that each message is
    looked at once. The one exception is a newest message that is a result: all up to the turn
    of its call is one turn then.

    Attributes:
        enough: No older message can change the choice.
        fits: Whether the choice is within the limit.

    """

    def __init__(self, room: int, count: Callable[[ChatMessage], int]) -> None:
        """Begin without messages.

        Args:
            room: How many tokens the window may have; negative: none fit.
            count: Counts the tokens of a message of which only some blocks are in the window.

        """
        self.enough = False
        self.fits = room >= 0
        self._room = room
        self._count = count
        self._finder = ExchangeFinder()
        self._chosen: list[list[Part]] = []  # newest turn first
        self._pending: list[Part] = []  # newest first; not yet part of a turn
        self._wanted: list[Part] | None = None  # the newest message's results, without a call yet

    def add(self, message: ChatMessage, tokens: int) -> None:
        """Take the next older message, which has that many tokens."""
        parts = self._finder.add(message, tokens)
        if self._wanted is None:
            self._wanted = [part for part in parts if part.answers is not None]
        exchange = parts[0].exchange
        if exchange is not None and exchange.is_newest:
            self._wanted = []
        for part in reversed(parts):
            self._pending.append(part)
            if not self._wanted:
                self._close_turn()

    def finish(self) -> None:
        """Choose, there being no older messages."""
        if self._wanted:  # the newest message answers no call: it is left out
            pending, self._pending, self._wanted = self._pending, [], []
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
        """Choose where no user message comes before the rest."""
        parts = self._pending[::-1]
        for place, part in enumerate(parts):
            if part.begins_turn:
                # Only the newest exchange began before the user said anything.
                self._take([*arrange(parts[place:]), *_newest_exchange(parts[:place])])
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
    """Tell for each message whether a provider accepts it, perhaps after a move within `messages`.

    Args:
        messages: A part of the conversation, oldest first, that begins with a turn or with the
            whole.
        newest: The part ends with the newest message, so that results may still come.

    """
    finder = ExchangeFinder(newest=newest)
    parts = [finder.add(message) for message in reversed(messages)][::-1]
    kept = set(map(id, arrange([part for some in parts for part in some])))
    return [all(id(part) in kept for part in some) for some in parts]


def arranged(messages: Sequence[ChatMessage], *, newest: bool) -> list[ChatMessage]:
    """Return what a provider accepts of messages, in an order that it accepts.

    For adapters that do not read windows. Incomplete exchanges and results without a call are
    left out; what the user said between a call and its result comes behind the result.

    Args:
        messages: A part of the conversation, oldest first.
        newest: The part ends with the newest message, so that results may still come.

    """
    finder = ExchangeFinder(newest=newest)
    parts = [finder.add(message) for message in reversed(messages)][::-1]
    return [message for message, _ in join(arrange([part for some in parts for part in some]))]


def _newest_exchange(parts: Sequence[Part]) -> list[Part]:
    for place, part in enumerate(parts):
        if part.exchange is not None and part.exchange.is_newest:
            first = place
            while first > 0 and parts[first - 1].joins:
                first -= 1
            return [*parts[first:place], part.exchange.caller, *part.exchange.results]
    return []
