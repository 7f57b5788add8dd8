"""Parts of messages, and exchanges of calls and results that a provider accepts.

An *exchange* is a message that calls tools, and the results of these calls. In Anthropic's form a
user message can contain results of several exchanges, and text. Each result and the text are
*parts* of the message, which can be kept, moved or left out separately.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from chatstore.core.framework_payload import Joins, joins_of
from chatstore.core.messages import ChatMessage, MessageRole
from chatstore.core.pairing import OpenResults
from chatstore.core.tool_calls import (
    ToolReference,
    call_references,
    result_blocks,
    result_references,
)


@dataclass(eq=False)
class Part:
    """A message, or some blocks of one.

    Attributes:
        message: The whole message.
        position: The message's position in the conversation.
        indexes: The indexes of the part's blocks in the message's content; ``None``: all blocks.
        answers: The call that the part answers, if it is a result.
        age: The number of newer parts.
        exchange: The exchange that the part belongs to.
        begins_turn: Whether the part is what the user wrote.
        joins: The later message without which the part is useless.

    """

    message: ChatMessage
    position: int
    indexes: tuple[int, ...] | None = None
    answers: ToolReference | None = None
    age: int = 0
    exchange: Exchange | None = None
    begins_turn: bool = field(init=False)
    joins: Joins | None = field(init=False)

    @property
    def is_plain(self) -> bool:
        """Whether the part depends on no other one."""
        return self.exchange is None and self.answers is None and self.joins is None

    def __post_init__(self) -> None:
        """Set the fields that are read often."""
        self.begins_turn = self.answers is None and self.message.role is MessageRole.USER
        self.joins = joins_of(self.message)


@dataclass(eq=False)
class Exchange:
    """A message that calls tools, and the results in their order.

    Attributes:
        caller: The message.
        results: The results that exist.
        is_complete: Every call has its result.
        is_newest: The exchange contains the newest message, so missing results may still follow.

    """

    caller: Part
    results: list[Part] = field(default_factory=list)
    is_complete: bool = False
    is_newest: bool = False


class ExchangeFinder:
    """Takes messages, newest first, and groups calls and results into exchanges."""

    def __init__(self, *, newest: bool = True) -> None:
        """Start; ``newest``: the first message is the newest of the conversation."""
        self._results: OpenResults[Part] = OpenResults()
        self._newest: ChatMessage | None = None
        self._may_continue = newest
        self._has_newest = False  # an exchange contains the newest message
        self._count = 0

    def add(self, message: ChatMessage, position: int = 0) -> list[Part]:
        """Add the next older message; return its parts in their order."""
        parts = _split(message, position)
        if self._newest is None:
            self._newest = message
            if len(parts) > 1 and parts[-1].begins_turn:
                self._may_continue = False  # the user went on: missing results never follow
        for part in reversed(parts):
            part.age, self._count = self._count, self._count + 1
            if part.answers is not None:
                self._results.add(part, part.answers)
            if self._has_newest and part.begins_turn:
                self._may_continue = False  # exchanges of earlier turns come before the newest one
        calls = call_references(message)
        if calls:
            self._begin_exchange(parts[0], calls)
        return parts

    def _begin_exchange(self, caller: Part, calls: Sequence[ToolReference]) -> None:
        exchange = caller.exchange = Exchange(caller)
        results = self._results.take(calls)
        exchange.is_complete = None not in results
        exchange.results = [part for part in results if part is not None]
        exchange.results.sort(key=lambda part: -part.age)
        for part in exchange.results:
            part.exchange = exchange
        members = (caller, *exchange.results)
        if self._may_continue and any(part.message is self._newest for part in members):
            exchange.is_newest = self._has_newest = True
            # Of two incomplete exchanges, a provider accepts the newer one only.
            self._may_continue = exchange.is_complete


def arrange(parts: Sequence[Part]) -> list[Part]:
    """Return parts in an order that a provider accepts, without those that it refuses.

    An exchange is moved as a whole to its last result. User messages in between are moved behind
    it, or before it while results are missing, which is possible in the newest exchange only.
    Incomplete exchanges, results without a call, and messages that are useless without a message
    that is left out, are left out.

    Args:
        parts: A part of the conversation, oldest first. Results whose call is older are left out;
            results that are newer than all parts follow their call.

    """
    if all(part.is_plain for part in parts):
        return [*parts]
    arrangement = _Arrangement(parts)
    for part in parts:
        arrangement.add(part)
    return arrangement.finish()


class _Arrangement:
    """Takes parts, oldest first, and arranges those that a provider accepts."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self._arranged: list[Part] = []
        self._pending: dict[Exchange, list[Part]] = {}  # with the parts before the caller
        self._companions: list[Part] = []  # useless without the next message
        self._callers = _callers(parts)

    def add(self, part: Part) -> None:
        joins = part.joins
        if joins is not None:
            self._companions.append(part)
            if joins is Joins.CALLS:
                self._add_shared_calls(self._callers[id(part)])
            return
        leading, self._companions = self._companions, []
        exchange = part.exchange
        if part.begins_turn:
            for complete in [exchange for exchange in self._pending if exchange.is_complete]:
                self._emit(complete)
            self._arranged.append(part)
        elif exchange is None:
            if part.answers is None:
                self._arranged += [*leading, part]
        elif exchange.caller is part and (exchange.is_complete or exchange.is_newest):
            self._pending.setdefault(exchange, []).extend(leading)
        if exchange in self._pending and exchange.is_complete and part is exchange.results[-1]:
            self._emit(exchange)

    def finish(self) -> list[Part]:
        for exchange in sorted(self._pending, key=lambda pending: not pending.is_complete):
            self._emit(exchange)  # the incomplete one is last
        return self._arranged

    def _add_shared_calls(self, exchange: Exchange | None) -> None:
        """Add a message whose calls the exchange's caller repeats."""
        companions, self._companions = self._companions, []
        if exchange is not None and exchange.is_complete:
            self._arranged += companions
        elif exchange is not None and exchange.is_newest:
            self._pending.setdefault(exchange, []).extend(companions)

    def _emit(self, exchange: Exchange) -> None:
        self._arranged += [*self._pending.pop(exchange), exchange.caller, *exchange.results]


def _callers(parts: Sequence[Part]) -> dict[int, Exchange | None]:
    """Return the exchange of each part that is useless without the next calls."""
    callers: dict[int, Exchange | None] = {}
    following: Exchange | None = None
    for part in reversed(parts):
        if part.joins is Joins.CALLS:
            callers[id(part)] = following
        elif part.begins_turn or part.answers is not None:
            following = None
        elif part.exchange is not None:
            following = part.exchange
    return callers


def _split(message: ChatMessage, position: int) -> list[Part]:
    """Return each result in a message as a part, followed by the rest as one part."""
    in_blocks = result_blocks(message)
    if not in_blocks or not isinstance(message.content, list):
        answers = result_references(message)
        return [Part(message, position, answers=answers[0] if answers else None)]
    rest = tuple(index for index in range(len(message.content)) if index not in in_blocks)
    if len(in_blocks) == 1 and not rest:
        return [Part(message, position, answers=next(iter(in_blocks.values())))]
    parts = [Part(message, position, (index,), answers) for index, answers in in_blocks.items()]
    if rest and message.role is MessageRole.USER:
        parts.append(Part(message, position, rest))
    elif rest:  # in a tool's message: it belongs to the last result
        parts[-1].indexes = (*(parts[-1].indexes or ()), *rest)
    return parts


def join(parts: Sequence[Part]) -> list[ChatMessage]:
    """Return the messages that consist of some parts.

    Adjacent parts of a message become one message: the original if these are all of its parts.
    """
    if all(part.indexes is None for part in parts):
        return [part.message for part in parts]
    joined: list[ChatMessage] = []
    start = 0
    for end in range(1, len(parts) + 1):
        if end < len(parts) and parts[end].message is parts[start].message:
            continue
        joined.append(_joined(parts[start:end]))
        start = end
    return joined


def _joined(parts: Sequence[Part]) -> ChatMessage:
    message = parts[0].message
    if parts[0].indexes is None or not isinstance(message.content, list):
        return message
    indexes = sorted(index for part in parts for index in part.indexes or ())
    if len(indexes) == len(message.content):
        return message
    return message.model_copy(update={"content": [message.content[index] for index in indexes]})
