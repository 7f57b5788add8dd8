"""The index of a conversation compared with a list, and its size."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatstore.conditional import entries as index
from chatstore.conditional.editing import Editor
from chatstore.conditional.entries import (
    HEAD_ENTRIES,
    NODE_ENTRIES,
    Entry,
    Location,
    dump_node,
    run_of,
)
from chatstore.conditional.head import Head
from chatstore.conditional.head_json import dump_head
from chatstore.conditional.lookup import at_index, by_numbers, newest, oldest
from chatstore.conditional.names import node_id
from chatstore.conditional.testing import MemoryDatabase
from chatstore.core.backend import Plan

T = TypeVar("T")
Edit = tuple[Editor, Sequence[Entry]]


class Conversation(MemoryDatabase):
    """An index in memory, and a list of the numbers of its records."""

    def __init__(self) -> None:
        super().__init__()
        self.head = Head("e" * 13, "g" * 13, "s" * 13)
        self.nodes: dict[str, str] = {}
        self.model: list[int] = []
        self.reads = 0
        self.step = 0

    def read_records(self, key: str, ids: Sequence[str]) -> Plan[Any, dict[str, str]]:
        del key
        self.reads += 1
        yield from ()
        return {name: self.nodes[name] for name in ids if name in self.nodes}

    def change(self, edit: Edit, added: int = 0) -> tuple[int, int]:
        count = len(self.nodes)
        editor, entries = edit
        folded = editor.folded(entries)
        for number, inner in editor.written.items():
            assert len(inner) <= NODE_ENTRIES
            self.nodes[node_id(self.head.stream, number)] = dump_node(inner)
        for number in editor.replaced:
            del self.nodes[node_id(self.head.stream, number)]
        self.head = self.head._replace(
            entries=folded,
            next_node=editor.next_node,
            next_position=self.head.next_position + added,
            next_number=self.head.next_number + added,
        )
        return len(editor.written) + len(editor.replaced), len(self.nodes) - count

    def append(self, count: int) -> tuple[int, int]:
        head, editor = self.head, Editor(self.head.next_node)
        run = run_of(head.next_number, count)
        self.model += range(head.next_number, head.next_number + count)
        return self.change((editor, editor.appended(head.entries, head.next_position, run)), count)

    def remove(self, at: int) -> tuple[int, int]:
        result = run(at_index(self, "k", self.head, at))
        assert result.location.number == self.model.pop(at)
        editor = Editor(self.head.next_node, result.nodes)
        return self.change((editor, editor.removed(self.head.entries, at)))

    def insert(self, at: int, count: int) -> tuple[int, int]:
        head = self.head
        if at == len(self.model):
            return self.append(count)
        result = run(at_index(self, "k", head, at))
        self.model[at:at] = range(head.next_number, head.next_number + count)
        editor = Editor(head.next_node, result.nodes)
        entries = editor.inserted(head.entries, at, run_of(head.next_number, count))
        return self.change((editor, entries), count)

    def rewrite(self, at: int) -> tuple[int, int]:
        """Write a new record for the message at an index."""
        head = self.head
        result = run(at_index(self, "k", head, at))
        if len(self.model) < 1_000:
            assert run(by_numbers(self, "k", head, [self.model[at]]))[self.model[at]].place == at
        self.model[at] = head.next_number
        editor = Editor(head.next_node, result.nodes)
        costs = self.change((editor, editor.rewritten(head.entries, at, head.next_number)))
        self.head = self.head._replace(next_number=head.next_number + 1)
        return costs

    def truncate(self, at: int) -> None:
        """Remove the messages from an index on, and look for their records below nodes."""
        head, removed = self.head, self.model[at:]
        result = run(at_index(self, "k", head, at))
        editor = Editor(head.next_node, result.nodes)
        entries, gone = editor.truncated(head.entries, at)
        numbers: list[int] = []
        levels = list(gone)
        while levels:
            entry = levels.pop(0)
            if entry.level:
                levels[:0] = index.load_node(self.nodes.pop(node_id(head.stream, entry.number)))
            else:
                numbers += range(*entry.numbers)
        assert numbers == removed
        del self.model[at:]
        self.change((editor, entries))

    def check(self) -> list[Location]:
        locations = run(oldest(self, "k", self.head, None, None))
        assert [location.number for location in locations] == self.model
        assert all(one.position < other.position for one, other in pairwise(locations))
        assert self.head.length == len(self.model)
        assert index.load(index.dump(self.head.entries)) == self.head.entries
        assert len(self.head.entries) <= HEAD_ENTRIES
        return locations


def run(plan: Plan[Any, T]) -> T:
    try:
        next(plan)
    except StopIteration as stop:
        value: T = stop.value
        return value
    raise AssertionError


OPERATIONS = st.lists(
    st.tuples(st.sampled_from("aarrrippt"), st.integers(0, 10_000), st.integers(1, 5)), max_size=200
)


@given(OPERATIONS, st.randoms(use_true_random=False))
def test_an_index_behaves_like_a_list(
    operations: list[tuple[str, int, int]], chance: random.Random
) -> None:
    conversation = Conversation()
    for kind, at, count in operations:
        size = len(conversation.model)
        if kind == "a":
            conversation.append(count)
        elif kind == "i":
            conversation.insert(at % (size + 1), count)
        elif size and kind == "p":
            positions = [position for _, position in _positions(conversation)]
            conversation.rewrite(at % size)
            assert [position for _, position in _positions(conversation)] == positions
        elif size and kind == "t":
            conversation.truncate(max(at % size, size - count))
        elif size:
            before = dict(_positions(conversation))
            conversation.remove(at % size)
            assert all(before[n] == p for n, p in _positions(conversation))
    locations = conversation.check()
    for _ in range(5):
        limit = chance.randint(0, 9)
        position = chance.randint(0, conversation.head.next_position + 1)
        behind = [one for one in locations if one.position > position]
        ahead = [one for one in locations if one.position < position]
        assert run(oldest(conversation, "k", conversation.head, limit, position)) == behind[:limit]
        assert run(newest(conversation, "k", conversation.head, limit, position)) == (
            ahead[-limit:] if limit else []
        )


def _positions(conversation: Conversation) -> list[tuple[int, int]]:
    return [
        (p.number, p.position)
        for p in run(oldest(conversation, "k", conversation.head, None, None))
    ]


def mixed(conversation: Conversation, chance: random.Random) -> tuple[int, int]:
    size = len(conversation.model)
    kind = chance.randrange(4)
    if kind == 0:
        return conversation.remove(chance.randrange(size))
    if kind == 1:
        return conversation.remove(size - 1)
    if kind == 2:
        return conversation.insert(chance.randrange(size), chance.randint(1, 200))
    return conversation.append(chance.randint(1, 200))


PATTERNS: Mapping[str, Callable[[Conversation, random.Random], tuple[int, int]]] = {
    "removals anywhere": lambda c, chance: c.remove(chance.randrange(len(c.model))),
    "removals at the front": lambda c, _: c.remove(0),
    "removals behind the first": lambda c, _: c.remove(1),
    "removals at the end": lambda c, _: c.remove(len(c.model) - 1),
    "every second message": lambda c, _: c.remove(min(c.step, len(c.model) - 1)),
    "insertions anywhere": lambda c, chance: c.insert(chance.randrange(len(c.model)), 1),
    "insertions at the front": lambda c, _: c.insert(0, 1),
    "insertions in the middle": lambda c, _: c.insert(len(c.model) // 2, 1),
    "regenerations": lambda c, _: (c.append(2), c.remove(len(c.model) - 1))[1],
    "a sliding window": lambda c, _: (c.append(1), c.remove(1))[1],
    "puts anywhere": lambda c, chance: c.rewrite(chance.randrange(len(c.model))),
    "streams": lambda c, _: (c.append(1), *(c.rewrite(len(c.model) - 1) for _ in range(3)))[-1],
    "a mix": mixed,
}


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_head_stays_small_and_a_change_touches_few_nodes(pattern: str) -> None:
    chance = random.Random(7)
    conversation = Conversation()
    conversation.append(20_000)
    touched, largest = 0, 0
    for step in range(6_000):
        conversation.step = step
        touched = max(touched, PATTERNS[pattern](conversation, chance)[0])
        largest = max(largest, len(dump_head(conversation.head)))
    conversation.check()
    conversation.reads = 0
    run(newest(conversation, "k", conversation.head, 20, None))

    assert touched <= 12  # nodes written and deleted; messages do not move
    assert largest <= 1_000
    assert conversation.reads <= 3
