"""Parts of messages, and exchanges of calls and results that a provider accepts.

An *exchange* is a message that calls tools, and the results of these calls. A user message may
hold results of several exchanges and words besides (Anthropic's form): each result, and the
words, are *parts* of it that can be kept, moved or left out on their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from chatstore.core.messages import ChatMessage, MessageRole
from chatstore.core.native import Joins, joins_of
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
        places: The places of the part's blocks in the message's content; ``None``: all of it.
        tokens: Of the whole message.
        answers: What the part answers, if it is a result.
        age: How many parts are newer.
        exchange: The exchange it belongs to.

    """

    message: ChatMessage
    tokens: int
    places: tuple[int, ...] | None = None
    answers: ToolReference | None = None
    age: int = 0
    exchange: Exchange | None = None

    @property
    def begins_turn(self) -> bool:
        """Whether these are words of the user."""
        return self.message.role is MessageRole.USER and self.answers is None

    @property
    def joins(self) -> Joins | None:
        """What later message the part means nothing without."""
        return joins_of(self.message)


@dataclass(eq=False)
class Exchange:
    """A message that calls tools, and its results in their order.

    Attributes:
        caller: The message.
        results: What was found of the results.
        is_complete: Every call has its result.
        is_newest: It holds the newest message, so that missing results may still come.

    """

    caller: Part
    results: list[Part] = field(default_factory=list)
    is_complete: bool = False
    is_newest: bool = False


class ExchangeFinder:
    """Takes messages, newest first, and puts calls and results together."""

    def __init__(self, *, newest: bool = True) -> None:
        """Begin; ``newest`` tells whether the first message is the conversation's newest."""
        self._results: OpenResults[Part] = OpenResults()
        self._newest: ChatMessage | None = None
        self._may_go_on = newest
        self._has_newest = False  # an exchange contains the newest message
        self._count = 0

    def add(self, message: ChatMessage, tokens: int = 0) -> list[Part]:
        """Take the next older message; return its parts, in their order."""
        parts = _split(message, tokens)
        if self._newest is None:
            self._newest = message
            if len(parts) > 1 and parts[-1].begins_turn:
                self._may_go_on = False  # the user spoke: results that are missing never come
        for part in reversed(parts):
            part.age, self._count = self._count, self._count + 1
            if part.answers is not None:
                self._results.add(part, part.answers)
            if part.begins_turn and self._has_newest:
                self._may_go_on = False  # exchanges of earlier turns come before the newest one
        calls = call_references(message)
        if calls:
            self._found(parts[0], calls)
        return parts

    def _found(self, caller: Part, calls: Sequence[ToolReference]) -> None:
        exchange = caller.exchange = Exchange(caller)
        found = self._results.take(calls)
        exchange.is_complete = None not in found
        exchange.results = [part for part in found if part is not None]
        exchange.results.sort(key=lambda part: -part.age)
        for part in exchange.results:
            part.exchange = exchange
        holders = (caller, *exchange.results)
        if self._may_go_on and any(part.message is self._newest for part in holders):
            exchange.is_newest = self._has_newest = True
            # Of two exchanges that are not complete, a provider takes the newer one only.
            self._may_go_on = exchange.is_complete


def arrange(parts: Sequence[Part]) -> list[Part]:
    """Return parts in an order that a provider accepts, without those that it refuses.

    An exchange comes as a whole where its last result is. What the user said meanwhile comes
    behind it; while results are still missing, which can only be in the newest exchange, before
    it. Exchanges that are not complete are left out, and results without a call. So are messages
    that mean nothing without a message that is left out.

    Args:
        parts: Those between two cuts, oldest first. Results whose call is older are left out;
            results that are newer than all parts come with their call.

    """
    arrangement = _Arrangement(parts)
    for part in parts:
        arrangement.add(part)
    return arrangement.finish()


class _Arrangement:
    """Takes parts, oldest first, and puts out what a provider accepts."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self._arranged: list[Part] = []
        self._waiting: dict[Exchange, list[Part]] = {}  # with what comes before the caller
        self._companions: list[Part] = []  # mean nothing without the next message
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
            for complete in [waited for waited in self._waiting if waited.is_complete]:
                self._put_out(complete)
            self._arranged.append(part)
        elif exchange is None:
            if part.answers is None:
                self._arranged += [*leading, part]
        elif exchange.caller is part and (exchange.is_complete or exchange.is_newest):
            self._waiting.setdefault(exchange, []).extend(leading)
        if exchange in self._waiting and exchange.is_complete and part is exchange.results[-1]:
            self._put_out(exchange)

    def finish(self) -> list[Part]:
        for exchange in sorted(self._waiting, key=lambda waited: not waited.is_complete):
            self._put_out(exchange)  # the one that is not complete comes last
        return self._arranged

    def _add_shared_calls(self, exchange: Exchange | None) -> None:
        """Take a message whose calls another one, the exchange's caller, makes too."""
        companions, self._companions = self._companions, []
        if exchange is not None and exchange.is_complete:
            self._arranged += companions
        elif exchange is not None and exchange.is_newest:
            self._waiting.setdefault(exchange, []).extend(companions)

    def _put_out(self, exchange: Exchange) -> None:
        self._arranged += [*self._waiting.pop(exchange), exchange.caller, *exchange.results]


def _callers(parts: Sequence[Part]) -> dict[int, Exchange | None]:
    """Return the exchange to which each part belongs that means nothing without the next calls."""
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


def _split(message: ChatMessage, tokens: int) -> list[Part]:
    """Return a message's results, each as a part of its own, and then the rest of it."""
    in_blocks = result_blocks(message)
    if not in_blocks or not isinstance(message.content, list):
        answers = result_references(message)
        return [Part(message, tokens, answers=answers[0] if answers else None)]
    rest = tuple(place for place in range(len(message.content)) if place not in in_blocks)
    if len(in_blocks) == 1 and not rest:
        return [Part(message, tokens, answers=next(iter(in_blocks.values())))]
    parts = [Part(message, tokens, (place,), answers) for place, answers in in_blocks.items()]
    if rest and message.role is MessageRole.USER:
        parts.append(Part(message, tokens, rest))
    elif rest:  # of a tool's message: it goes with the last result
        parts[-1].places = (*(parts[-1].places or ()), *rest)
    return parts


def join(parts: Sequence[Part]) -> list[tuple[ChatMessage, int | None]]:
    """Return the messages that parts make up, with their tokens where these are known.

    Neighbouring parts of a message become one message: itself if these are all of its parts.
    """
    joined: list[tuple[ChatMessage, int | None]] = []
    start = 0
    for end in range(1, len(parts) + 1):
        if end < len(parts) and parts[end].message is parts[start].message:
            continue
        joined.append(_joined(parts[start:end]))
        start = end
    return joined


def _joined(parts: Sequence[Part]) -> tuple[ChatMessage, int | None]:
    message, tokens = parts[0].message, parts[0].tokens
    if parts[0].places is None or not isinstance(message.content, list):
        return message, tokens
    places = sorted(place for part in parts for place in part.places or ())
    if len(places) == len(message.content):
        return message, tokens
    blocks = [message.content[place] for place in places]
    return message.model_copy(update={"content": blocks}), None
