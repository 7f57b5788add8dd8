"""Windows of `ChatMemoryBuffer` are accepted by providers and show one moment."""

from __future__ import annotations

import random
import time
import warnings
from collections.abc import Iterator
from typing import Any

import pytest

from chatstore.core import ChatMessage, ChatStore, MessageRole
from chatstore.core.memory import ChatMemoryBuffer
from chatstore.core.testing.contract.base import Base
from chatstore.core.testing.contract.modes import PATIENCE, Caller, Step
from chatstore.core.testing.messages import contents, message
from chatstore.core.testing.provider_rules import provider_violations
from chatstore.core.testing.window_rules import window_violations

_LIMITS = [1, 40, 150, 600, 100_000]


def _buffer(store: ChatStore, limit: int, key: str = "k") -> ChatMemoryBuffer:
    return ChatMemoryBuffer(limit, store, key, tokenizer_fn=lambda text: text.split())


def _window(buffer: ChatMemoryBuffer, call: Caller) -> list[ChatMessage]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the newest turn alone may exceed the limit
        window: list[ChatMessage] = call(buffer, "get")  # type: ignore[arg-type]  # not a store
    return window


def system(content: str, **fields: Any) -> ChatMessage:
    """Return a message that windows keep."""
    return ChatMessage(role=MessageRole.SYSTEM, content=content, **fields)


def turn(name: str, calls: int = 0, size: int = 3) -> list[ChatMessage]:
    """Return a question, ``calls`` calls of a tool with their results, and an answer."""
    words = " word" * size
    messages = [message(f"{name} question{words}", id=f"{name}/q")]
    for number in range(calls):
        call = {"type": "tool_call", "id": f"{name}/{number}", "name": "f", "arguments": {}}
        messages += [
            ChatMessage(role=MessageRole.ASSISTANT, content=[call], id=f"{name}/call{number}"),
            ChatMessage(
                role=MessageRole.TOOL,
                content=f"result{words}",
                additional_kwargs={"tool_call_id": f"{name}/{number}"},
                id=f"{name}/result{number}",
            ),
        ]
    answer = f"{name} answer{words}"
    return [*messages, ChatMessage(role=MessageRole.ASSISTANT, content=answer, id=f"{name}/a")]


def conversation(seed: int) -> list[ChatMessage]:
    """Return a conversation with pinned messages, tool calls, and turns of many sizes."""
    chance = random.Random(seed)
    messages = [system(f"rule {n}", id=f"rule{n}") for n in range(seed % 4)]
    for number in range(25):
        messages += turn(str(number), chance.choice([0, 0, 1, 3]), chance.choice([1, 5, 40]))
    return messages


class Windows(Base):
    @pytest.mark.parametrize("seed", range(4))
    def test_windows_keep_their_promises(self, store: ChatStore, call: Caller, seed: int) -> None:
        """A window has the pinned messages and the newest whole exchanges, within the limit."""
        messages = conversation(seed)
        for limit in _LIMITS:
            # The first window of a conversation: later ones know how many messages to read.
            key = f"limit {limit}"
            call(store, "set_messages", key, messages)
            buffer = _buffer(store, limit, key)
            window = _window(buffer, call)
            count = buffer.count
            assert window_violations(messages, window, limit, count) == []
            assert window, "the window is empty"

    @pytest.mark.parametrize("pinned", [1, 2, 3, 9])
    def test_system_prompts_are_kept(self, store: ChatStore, call: Caller, pinned: int) -> None:
        """A window begins with all system prompts, even if they are old or many."""
        rules = [system(f"rule {number}") for number in range(pinned)]
        call(store, "set_messages", "k", rules)
        for start in range(0, 60, 20):
            turns = [turn(str(number)) for number in range(start, start + 20)]
            call(store, "add_messages", "k", [m for one in turns for m in one])
        window = _window(_buffer(store, 60), call)
        assert contents(window)[: pinned + 1] == [*contents(rules), window[pinned].content]
        assert pinned < len(window) < 60

    def test_system_prompt_alone(self, store: ChatStore, call: Caller) -> None:
        call(store, "add_message", "k", system("rule"))
        assert contents(_window(_buffer(store, 60), call)) == ["rule"]
        call(store, "delete_last_message", "k")
        assert _window(_buffer(store, 60), call) == []

    def test_windows_after_changes(self, store: ChatStore, call: Caller) -> None:
        """Insertions, removals and replacements change the first and the newest messages."""
        expected = conversation(1)
        call(store, "set_messages", "k", expected)
        for number in range(3):
            expected.insert(0, system(f"new rule {number}", id=f"n{number}"))
            call(store, "add_message", "k", expected[0], 0)
            call(store, "delete_message", "k", 5)
            del expected[5]
            question = message("more", id=f"more{number}")
            expected.append(question)
            call(store, "add_message", "k", question)
            buffer = _buffer(store, 100)
            window = _window(buffer, call)
            assert window_violations(expected, window, 100, buffer.count) == []

    def test_windows_beside_writers(self, store: ChatStore, call: Caller) -> None:
        """Providers accept each window that is read while messages are added."""
        call(store, "add_message", "k", system("rule"))
        buffer: Any = _buffer(store, 80)
        is_written = [False, False]
        deadline = time.monotonic() + PATIENCE

        def writes(writer: int) -> Iterator[Step]:
            for number in range(10):
                yield store, "add_messages", ("k", turn(f"{writer}.{number}", number % 3))
            is_written[writer] = True

        def reads() -> Iterator[Step]:
            yield buffer, "get", ()
            while not all(is_written) and time.monotonic() < deadline:
                time.sleep(0.002)
                yield buffer, "get", ()

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            results = call.together([writes(0), writes(1), reads(), reads()])
        windows = [window for reader in results[2:] for window in reader]
        assert windows
        for window in windows:
            assert contents(window)[0] == "rule"
            assert provider_violations(window) == []

    def test_windows_are_of_one_moment(self, store: ChatStore, call: Caller) -> None:
        """The system prompt and the other messages are always of the same version."""

        def version(number: int) -> list[ChatMessage]:
            return [system(f"{number}"), *(message(f"{number}") for _ in range(30))]

        call(store, "set_messages", "k", version(0))
        buffer: Any = _buffer(store, 25)
        is_written = False
        deadline = time.monotonic() + PATIENCE

        def writes() -> Iterator[Step]:
            nonlocal is_written
            for number in range(1, 20):
                yield store, "set_messages", ("k", version(number))
            is_written = True

        def reads() -> Iterator[Step]:
            yield buffer, "get", ()
            while not is_written and time.monotonic() < deadline:
                time.sleep(0.001)
                yield buffer, "get", ()

        results = call.together([writes(), reads(), reads()])
        for window in [window for reader in results[1:] for window in reader]:
            assert window[0].role is MessageRole.SYSTEM
            assert len(set(contents(window))) == 1, "the window is of two versions"
