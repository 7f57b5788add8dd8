"""The calls of all writers of one conversation, and what a read of it must show."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, NamedTuple

from chatstore.core import ChatMessage

SIZES = (1, 1, 1, 2, 4)  # messages of a call; writers choose one of these
_FILLER = "The answer has about six hundred characters, as most have. " * 10
_ID = re.compile(r"(\w+)\.(\d+)\.(\d)")


class State(Enum):
    """What a writer knows of a call."""

    RUNNING = "running"
    ANSWERED = "answered"
    ABANDONED = "abandoned"  # it was cancelled or failed, and was not repeated


@dataclass
class Call:
    """An append of some messages."""

    size: int
    state: State = State.RUNNING


class CallName(NamedTuple):
    """The writer of a call, and how many calls this writer made before."""

    writer: str
    number: int


@dataclass
class Ledger:
    """The calls of each writer, in the order in which it made them."""

    key: str
    calls: dict[str, list[Call]] = field(default_factory=dict)

    def start(self, writer: str, size: int) -> CallName:
        """Note that a writer makes a call."""
        calls = self.calls.setdefault(writer, [])
        calls.append(Call(size))
        return CallName(writer, len(calls) - 1)

    def end(self, name: CallName, state: State) -> None:
        """Note how a call ended."""
        self.calls[name.writer][name.number].state = state

    def count(self, state: State) -> int:
        """Return how many calls have a state."""
        return sum(call.state is state for calls in self.calls.values() for call in calls)

    def ended(self) -> dict[str, int]:
        """Return how many calls of each writer have ended."""
        return {
            writer: len(calls) - (calls[-1].state is State.RUNNING)
            for writer, calls in self.calls.items()
        }

    def abandoned_ids(self) -> list[str]:
        """Return the ids of messages that may be stored, or not."""
        return [
            f"{writer}.{number}.{part}"
            for writer, calls in self.calls.items()
            for number, call in enumerate(calls)
            if call.state is State.ABANDONED
            for part in range(call.size)
        ]

    def state_of(self, message: ChatMessage) -> State | None:
        """Return the state of the call with a message; ``None`` if there is no such call."""
        name = _name_of(message)
        return None if name is None or not self._has(name) else self._call(name).state

    def violations(
        self, messages: Sequence[ChatMessage], required: Mapping[str, int] | None = None
    ) -> list[str]:
        """Return what is wrong with messages that were read from a call's first message on.

        Args:
            messages: The messages, oldest first.
            required: How many calls of each writer must be visible if they were answered; by
                default all.

        """
        violations = []
        newest: dict[str, int] = {}
        visible: set[CallName] = set()
        index = 0
        while index < len(messages):
            name = _name_of(messages[index])
            if name is None or not self._has(name):
                violations.append(f"{messages[index].id} was never sent to this conversation")
                index += 1
                continue
            call = self._call(name)
            if not _are_equal(messages[index : index + call.size], self.messages(name)):
                violations.append(f"{messages[index].id} is not followed by its call's messages")
                index += 1
                continue
            if name in visible:
                violations.append(f"call {name.number} of {name.writer} is doubled")
            elif call.state is State.ANSWERED and newest.get(name.writer, -1) > name.number:
                violations.append(f"call {name.number} of {name.writer} is behind a later one")
            visible.add(name)
            newest[name.writer] = max(newest.get(name.writer, -1), name.number)
            index += call.size
        lost = [name for name in self._answered(required) if name not in visible]
        return [*violations, *(f"call {name.number} of {name.writer} is lost" for name in lost)]

    def messages(self, name: CallName) -> list[ChatMessage]:
        """Return the messages of a call: one question, or one with an answer and a tool's result.

        They contain the key, so that a reply for another conversation is noticed.
        """
        size = self._call(name).size
        tool = f"call_{name.writer}_{name.number}"
        function = {"name": "look_up", "arguments": "{}"}
        calls = {"tool_calls": [{"id": tool, "type": "function", "function": function}]}
        roles: list[tuple[str, dict[str, Any]]] = [("user", {})]
        if size == 4:
            roles += [("assistant", calls), ("tool", {"tool_call_id": tool})]
        if size > 1:
            roles.append(("assistant", {}))
        return [
            ChatMessage.model_validate(
                {
                    "role": role,
                    "content": f"{self.key} {name.writer} {name.number} {part}: {_FILLER}",
                    "additional_kwargs": kwargs,
                    "id": f"{name.writer}.{name.number}.{part}",
                }
            )
            for part, (role, kwargs) in enumerate(roles)
        ]

    def _has(self, name: CallName) -> bool:
        return name.number < len(self.calls.get(name.writer, []))

    def _call(self, name: CallName) -> Call:
        return self.calls[name.writer][name.number]

    def _answered(self, required: Mapping[str, int] | None) -> list[CallName]:
        return [
            CallName(writer, number)
            for writer, calls in self.calls.items()
            for number, call in enumerate(calls)
            if call.state is State.ANSWERED
            and (required is None or number < required.get(writer, 0))
        ]


def from_first_call(messages: Sequence[ChatMessage]) -> list[ChatMessage]:
    """Leave out messages before the first one that begins a call."""
    starts = (index for index, one in enumerate(messages) if str(one.id).endswith(".0"))
    return list(messages[next(starts, len(messages)) :])


def _name_of(message: ChatMessage) -> CallName | None:
    match = _ID.fullmatch(message.id or "")
    return None if match is None else CallName(match[1], int(match[2]))


def _are_equal(messages: Sequence[ChatMessage], expected: Sequence[ChatMessage]) -> bool:
    ids = [message.id for message in messages]
    return messages == expected and ids == [message.id for message in expected]
