"""Which messages make up a window: pure, and fed from the newest message on.

Words: an *exchange* is a message that calls tools, and its results. A *turn* is a user message
and everything up to the next one. An exchange that a provider would refuse (a call not answered
in full directly after it, a result apart from its call) is left out as a whole, unless it holds
the newest message of the conversation: that one is still going on, and then only what stands
between its parts is left out.
"""

from __future__ import annotations

from collections.abc import Sequence

from chatstore.core.messages import ChatMessage, MessageRole
from chatstore.core.tools import tool_call_ids, tool_result_ids

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

    def __init__(self, room: int) -> None:
        """Begin with nothing, and room for that many tokens (negative: none)."""
        self.enough = False
        self.fits = room >= 0
        self._room = room
        self._chosen: list[list[ChatMessage]] = []  # newest turn first
        self._pending: list[tuple[ChatMessage, int]] = []  # newest first; no turn yet
        self._wanted: set[str] | None = None  # calls of the newest message, until one is found

    def add(self, message: ChatMessage, tokens: int) -> None:
        """Take the next older message, which has that many tokens."""
        if self._wanted is None:
            self._wanted = set(tool_result_ids(message))
        self._pending.append((message, tokens))
        if self._wanted and not self._wanted.isdisjoint(tool_call_ids(message)):
            self._wanted = set()
            if not _going_on([item for item, _ in reversed(self._pending)]):
                self._add_again()
                return
        if not self._wanted and _begins_turn(message):
            kept = zip(self._pending, reversed(self._accepted()), strict=True)
            self._take([item for item, keep in kept if keep])
            self._pending = []

    def finish(self) -> None:
        """Choose, there being no older messages."""
        if self._wanted:
            self._add_again()
        if not self._chosen and not self.enough:
            self._close_groups()
        self.enough = True

    def messages(self) -> list[ChatMessage]:
        """Return the choice, oldest first."""
        return [message for turn in reversed(self._chosen) for message in turn]

    def _add_again(self) -> None:
        """Close what was not closed for the sake of a result that answers no open call."""
        pending, self._pending, self._wanted = self._pending, [], set()
        for message, tokens in pending:
            if not self.enough:
                self.add(message, tokens)

    def _close_groups(self) -> None:
        """Choose without a user message: the best cut is one that takes nothing apart."""
        groups: list[list[tuple[ChatMessage, int]]] = [[]]
        for item, kept in zip(self._pending, reversed(self._accepted()), strict=True):
            if kept:
                groups[-1].append(item)
                if not tool_result_ids(item[0]):
                    groups.append([])
        for group in groups[:-1]:
            if self.enough:
                return
            self._take(group)

    def _take(self, part: Sequence[tuple[ChatMessage, int]]) -> None:
        tokens = sum(count for _, count in part)
        if tokens > self._room:
            self.enough = True
            if self._chosen:
                return
            self.fits = False
        self._room -= tokens
        self._chosen.append([message for message, _ in reversed(part)])

    def _accepted(self) -> list[bool]:
        """Tell for each pending message, oldest first, whether it is kept."""
        messages = [message for message, _ in reversed(self._pending)]
        return accepted(messages, newest=not self._chosen)


def accepted(messages: Sequence[ChatMessage], *, newest: bool) -> list[bool]:
    """Tell for each message whether a provider accepts it where it stands.

    Args:
        messages: A part of the conversation, oldest first, that begins with a turn or with the
            whole.
        newest: The part ends with the newest message.

    """
    keep = [False] * len(messages)
    going_on = _going_on(messages) if newest else []
    for index in going_on:
        keep[index] = True
    index, stop = 0, going_on[0] if going_on else len(messages)
    while index < stop:
        calls = set(tool_call_ids(messages[index]))
        end = index + 1
        while end < stop and calls:
            results = set(tool_result_ids(messages[end]))
            if not results or not results <= calls:
                break
            calls -= results
            end += 1
        if not calls and not tool_result_ids(messages[index]):
            keep[index:end] = [True] * (end - index)
        index = end
    return keep


def _begins_turn(message: ChatMessage) -> bool:
    return message.role is MessageRole.USER and not tool_result_ids(message)


def _going_on(messages: Sequence[ChatMessage]) -> list[int]:
    """Return where the parts of the exchange are that holds the last message, if one does."""
    last = len(messages) - 1
    wanted = set(tool_result_ids(messages[last])) if messages else set()
    if not wanted:
        return [last] if messages and tool_call_ids(messages[last]) else []
    for start in range(last, -1, -1):
        calls = set(tool_call_ids(messages[start]))
        if wanted.isdisjoint(calls):
            continue
        parts = [start]
        for index in range(start + 1, last + 1):
            results = set(tool_result_ids(messages[index]))
            if results and results <= calls:
                calls -= results
                parts.append(index)
        return parts if parts[-1] == last else []
    return []
