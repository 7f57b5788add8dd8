"""The choice of the messages of a window, without I/O, from the newest message backwards.

A *turn* is a user message and everything up to the next one. An exchange that a provider would
refuse is left out as a whole; see `chatstore.core.memory.exchanges`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise
from typing import Literal, TypeAlias

from chatstore.core.errors import InvalidArgumentError
from chatstore.core.memory.exchanges import ExchangeFinder, Part, arrange, join
from chatstore.core.memory.starts import Start, choose_steady, rank
from chatstore.core.memory.turns import Count, Turn, count_parts
from chatstore.core.messages import ChatMessage, MessageRole

PINNED_ROLES = {MessageRole.SYSTEM, MessageRole.DEVELOPER}
Cut: TypeAlias = Literal["steps", "sliding"]


def check_cut(cut: object) -> Cut:
    """Return how windows are cut.

    Raises:
        InvalidArgumentError: It is neither ``"steps"`` nor ``"sliding"``.

    """
    if cut == "steps":
        return "steps"
    if cut == "sliding":
        return "sliding"
    raise InvalidArgumentError(f"cut must be 'steps' or 'sliding', not {cut!r}")


class Window:
    """Takes messages, newest first, until it can choose where the window starts.

    A turn can be judged without the messages before its user message, so each message is examined
    and counted once. There is one exception: if the newest message is a tool result, everything
    back to the turn of its call is one turn.

    A summary replaces all older messages. It is the first message of the window if it is newer
    than the first turn that does not fit, or directly before that turn.

    Attributes:
        enough: Older messages cannot change the choice.
        fits: The choice is within the limit.

    """

    def __init__(self, room: int, count: Count, *, least: int = 0, cut: Cut = "steps") -> None:
        """Start without messages.

        Args:
            room: The most tokens of the window; if negative, no message fits.
            count: Counts the tokens of a message.
            least: The least tokens of the window, if there are enough messages that fit.
            cut: ``"steps"``: the start stays for many turns; ``"sliding"``: the fullest window.

        """
        self.enough = False
        self.fits = room >= 0
        self._room = room
        self._least = least
        self._cut = cut
        self._count = count
        self._finder = ExchangeFinder()
        self._turns: list[Turn] = []  # newest first; together they fit, except for the last
        self._sums: list[int] = []  # the tokens of each turn and of all newer ones
        self._cut_sums: list[list[int]] = []  # the same if cut before each group, newest first
        self._is_full = False  # the last turn does not fit
        self._pending: list[Part] = []  # newest first; not yet part of a turn
        self._unanswered: list[Part] | None = None  # the newest message's results without a call
        self._chosen: list[Part] = []
        self._summary: ChatMessage | None = None

    def add(self, message: ChatMessage, position: int) -> None:
        """Add the next older message."""
        if self._is_full:
            self._choose()
            return
        parts = self._finder.add(message, position)
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
        if self.enough:
            return
        if self._unanswered:  # the newest message belongs to no call: it is left out
            pending, self._pending, self._unanswered = self._pending, [], []
            for part in pending:
                self._pending.append(part)
                self._close_turn()
        if not self._turns:
            self._close_without_user()
        self._choose()

    def finish_with(self, summary: ChatMessage) -> None:
        """Complete the choice: the next older message is a summary of all older ones."""
        self._summary = summary
        self.finish()

    def messages(self) -> list[ChatMessage]:
        """Return the choice, oldest first."""
        leading = [] if self._summary is None else [self._summary]
        return [*leading, *join(self._chosen)]

    # ------------------------------------------------------------------ turns

    def _close_turn(self) -> None:
        """Take the pending parts as a turn if the last of them begins one."""
        if self._pending[-1].begins_turn and not self._is_full:
            self._take(Turn.of(arrange(self._pending[::-1])))
            self._pending = []

    def _close_without_user(self) -> None:
        """Take messages that do not begin with a user message."""
        parts = self._pending[::-1]
        for index, part in enumerate(parts):
            if part.begins_turn:
                # Only the newest exchange can begin before the first user message.
                self._take(Turn.of([*arrange(parts[index:]), *_newest_exchange(parts[:index])]))
                return
        for group in reversed(Turn.of(arrange(parts)).groups):
            if not self._is_full:
                self._take(Turn([], [group]))

    def _take(self, turn: Turn) -> None:
        """Add the next older turn."""
        total = self._sums[-1] if self._sums else 0
        total += count_parts(turn.head, [], self._count)
        behind = self._turns[-1].first if self._turns else []
        sums: list[int] = []
        for parts in reversed(turn.groups):
            if total > self._room:
                break  # what does not fit is not counted
            total += count_parts(parts, behind, self._count)
            sums.append(total)
            behind = parts
        self._turns.append(turn)
        self._sums.append(total)
        self._cut_sums.append(sums)
        self._is_full = total > self._room

    # ------------------------------------------------------------------ the choice

    def _choose(self) -> None:
        self.enough = True
        if self._summary is not None:
            tokens = self._count(self._summary)
            if self._choose_within(self._room - tokens, self._least - tokens):
                return
            self._summary = None
        self.fits = self._choose_within(self._room, self._least)

    def _choose_within(self, room: int, least: int) -> bool:
        """Choose at most ``room`` tokens; return ``False`` if the newest exchange does not fit."""
        fitting = bisect_right(self._sums, room)
        number = self._choose_turns(fitting, least)
        cut, fits = ([], room >= 0) if number else self._cut_turn(fitting, room, least)
        newest = self._turns[: number or fitting]
        self._chosen = [*cut, *(part for turn in reversed(newest) for part in turn.since(0))]
        return fits

    def _choose_turns(self, fitting: int, least: int) -> int | None:
        """Return the number of whole turns to begin with; ``None``: take all that fits."""
        if self._cut == "sliding" or fitting == len(self._turns):
            return None
        positions = [turn.position for turn in self._turns[: fitting + 1]]
        ranks = [rank(previous, position) for position, previous in pairwise(positions)]
        chosen = choose_steady([*map(Start, self._sums[:fitting], ranks)], least)
        return None if chosen is None else chosen + 1

    def _cut_turn(self, index: int, room: int, least: int) -> tuple[list[Part], bool]:
        """Return the head and the newest groups of the first turn that does not fit as a whole."""
        if index == len(self._turns):
            return [], room >= 0
        turn = self._turns[index]
        sums = [tokens for tokens in self._cut_sums[index] if tokens <= room]
        if not sums:
            newest = [] if index else turn.since(max(0, len(turn.groups) - 1))
            return newest, index > 0
        positions = [parts[0].position for parts in reversed(turn.groups)] + [turn.position]
        ranks = [rank(previous, position) for position, previous in pairwise(positions)]
        chosen = len(sums) - 1
        if self._cut == "steps":
            steady = choose_steady([*map(Start, sums, ranks)], least)
            chosen = chosen if steady is None else steady
        return turn.since(len(turn.groups) - 1 - chosen), True


def accepted(messages: Sequence[ChatMessage], *, newest: bool) -> list[bool]:
    """Return for each message whether a provider accepts it, possibly at another index.

    Args:
        messages: A part of the conversation, oldest first, that begins with a turn or at the
            beginning of the conversation.
        newest: The part ends with the newest message, so results may still follow.

    """
    groups = _all_parts(messages, newest=newest)
    accepted_parts = set(map(id, arrange([part for group in groups for part in group])))
    return [all(id(part) in accepted_parts for part in group) for group in groups]


def arranged(messages: Sequence[ChatMessage], *, newest: bool) -> list[ChatMessage]:
    """Return the messages that a provider accepts, in an order that it accepts.

    For adapters that do not read windows. Incomplete exchanges and results without a call are
    left out; user messages between a call and its result are moved behind the result.

    Args:
        messages: A part of the conversation, oldest first.
        newest: The part ends with the newest message, so results may still follow.

    """
    groups = _all_parts(messages, newest=newest)
    return join(arrange([part for group in groups for part in group]))


def _all_parts(messages: Sequence[ChatMessage], *, newest: bool) -> list[list[Part]]:
    finder = ExchangeFinder(newest=newest)
    numbered = reversed([*enumerate(messages)])
    return [finder.add(message, position) for position, message in numbered][::-1]


def _newest_exchange(parts: Sequence[Part]) -> list[Part]:
    for index, part in enumerate(parts):
        if part.exchange is not None and part.exchange.is_newest:
            first = index
            while first > 0 and parts[first - 1].joins:
                first -= 1
            return [*parts[first:index], part.exchange.caller, *part.exchange.results]
    return []
