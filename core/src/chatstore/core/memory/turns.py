"""Turns, and the groups of messages at which a turn can be cut."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import takewhile

from chatstore.core.framework_payload import Joins
from chatstore.core.memory.exchanges import Part, join
from chatstore.core.messages import ChatMessage

Count = Callable[[ChatMessage], int]


@dataclass
class Turn:
    """A user message and what follows it, as a provider accepts it.

    Attributes:
        head: What the user wrote; stays if the turn is cut. Empty in a conversation without user
            messages.
        groups: The rest, oldest first. A group is an exchange, or a message of the model, with the
            messages that are useless without it.

    """

    head: list[Part]
    groups: list[list[Part]] = field(default_factory=list)

    @classmethod
    def of(cls, parts: Sequence[Part]) -> Turn:
        """Divide arranged parts."""
        head = list(takewhile(lambda part: part.begins_turn, parts))
        return cls(head, group(parts[len(head) :]))

    @property
    def first(self) -> list[Part]:
        """What the turn begins with."""
        return self.head or self.groups[0]

    @property
    def position(self) -> int:
        """The position of the turn's first message."""
        return self.first[0].position

    def since(self, index: int) -> list[Part]:
        """Return the head and the groups from an index on."""
        return [*self.head, *(part for parts in self.groups[index:] for part in parts)]


def group(parts: Sequence[Part]) -> list[list[Part]]:
    """Divide arranged parts into groups that are kept or left out as a whole.

    The newest exchange and what is newer are one group: they cannot be left out.
    """
    groups: list[list[Part]] = []
    newest_caller = max(_newest_callers(parts), default=-1)
    is_newest = awaits_calls = False
    for part in parts:
        begins_newest = part.age <= newest_caller and part.answers is None
        previous = groups[-1][-1] if groups else None
        if previous is not None and (
            is_newest
            or awaits_calls
            or part.answers is not None
            or previous.joins is not None
            or previous.message is part.message
            or (part.begins_turn and not begins_newest)
        ):
            groups[-1].append(part)
        else:
            groups.append([part])
        is_newest = is_newest or begins_newest
        is_caller = part.exchange is not None and part.exchange.caller is part
        awaits_calls = part.joins is Joins.CALLS or (awaits_calls and not is_caller)
    return groups


def _newest_callers(parts: Iterable[Part]) -> Iterator[int]:
    """Yield the ages of the messages whose calls the newest message answers or makes."""
    for part in parts:
        if part.exchange is not None and part.exchange.is_newest:
            yield part.exchange.caller.age


def count_parts(parts: Sequence[Part], following: Sequence[Part], count: Count) -> int:
    """Return the tokens that some parts add in front of others, which may share a message."""
    if not parts:
        return 0
    if len(parts) == 1 and parts[0].indexes is None:
        return count(parts[0].message)
    message = parts[-1].message
    if not following or following[0].message is not message:
        return sum(map(count, join(parts)))
    shared = list(takewhile(lambda part: part.message is message, following))
    return sum(map(count, join([*parts, *shared]))) - sum(map(count, join(shared)))
