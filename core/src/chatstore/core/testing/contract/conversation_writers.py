"""Many writers of conversations: nothing is lost, torn or listed wrongly."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from chatstore.core import (
    ChatStore,
    ConversationExistsError,
    MessageNotFoundError,
    RevisionConflictError,
)
from chatstore.core.testing.attempts import Attempt, attempting
from chatstore.core.testing.contract.base import Base
from chatstore.core.testing.contract.modes import Caller, Step, Steps, drain
from chatstore.core.testing.harness import ContractHarness
from chatstore.core.testing.messages import contents, message

_WRITERS = 5
_MOST_PAIRS = 60  # written while others read
_PAUSE = 0.002  # seconds in which the readers can run


def _together(call: Caller, workers: list[list[Any]]) -> list[list[Attempt]]:
    """Let workers call at the same time; errors are results."""
    return call.together([[(attempting(step[0]), *step[1:]) for step in work] for work in workers])


def _errors(results: list[list[Attempt]]) -> list[Exception]:
    return [one.error for worker in results for one in worker if one.error is not None]


class ConversationWriters(Base):
    @pytest.fixture
    def stores(self, harness: ContractHarness, opened: Callable[..., ChatStore]) -> list[ChatStore]:
        """Return a store for each writer: two instances alternate where they share a database."""
        both = [opened(), opened()] if harness.shared_between_instances else [opened()]
        return [both[number % len(both)] for number in range(_WRITERS)]

    def test_one_writer_wins_a_revision(self, stores: list[ChatStore], call: Caller) -> None:
        """Read, decide, write: no writer overwrites what it has not seen."""
        call(stores[0], "create_conversation", "k")
        for name, args in [
            ("add_message", (message("a"),)),
            ("put_message", (message("b", id="b"),)),
            ("set_messages", ([message("c", id="c"), message("d")],)),
            ("remove_message", ("c",)),
            ("update_conversation", ()),
        ]:
            revision = call(stores[0], "get_conversation", "k").revision
            options: dict[str, Any] = {"expected_revision": revision}
            workers: list[list[Step]] = []
            for number, store in enumerate(stores):
                if name == "update_conversation":
                    options = {**options, "title": str(number)}
                workers.append([(store, name, ("k", *args), options)])
            errors = _errors(_together(call, workers))
            repeats = name == "put_message"  # a repetition changes nothing
            assert len(errors) == _WRITERS - 1 or repeats, f"{name}: not one writer won"
            assert {type(error) for error in errors} <= {RevisionConflictError}, errors
            assert call(stores[0], "get_conversation", "k").revision != revision

    def test_updates_at_once_all_take_effect(self, stores: list[ChatStore], call: Caller) -> None:
        """Changes of other names in the metadata do not overwrite each other."""
        call(stores[0], "create_conversation", "k")
        call.together(
            [
                [
                    (store, "update_conversation", ("k",), {"metadata": {f"{number}.{turn}": turn}})
                    for turn in range(3)
                ]
                for number, store in enumerate(stores)
            ]
        )
        expected = {f"{number}.{turn}": turn for number in range(_WRITERS) for turn in range(3)}
        assert call(stores[0], "get_conversation", "k").metadata == expected

    def test_one_of_many_creations_succeeds(self, stores: list[ChatStore], call: Caller) -> None:
        for key in "abc":
            results = _together(
                call,
                [
                    [(store, "create_conversation", (key,), {"owner": f"o{number}"})]
                    for number, store in enumerate(stores)
                ],
            )
            errors = _errors(results)
            assert len(errors) == _WRITERS - 1, "several creations of one key succeeded"
            assert {type(error) for error in errors} == {ConversationExistsError}
            [made] = [one.result for [one] in results if one.error is None]
            assert call(stores[0], "get_conversation", key) == made
        _check_lists(stores[-1], call, [f"o{number}" for number in range(_WRITERS)])

    def test_lists_equal_what_exists(self, stores: list[ChatStore], call: Caller) -> None:
        """Creations, changes of the owner, deletions and appends at once."""

        def steps(number: int, store: ChatStore) -> list[Step]:
            other = f"{(number + 1) % _WRITERS}"
            return [
                (store, "create_conversation", (f"{number}-a",), {"owner": "ann"}),
                (store, "create_conversation", ("shared",), {"owner": f"o{number}"}),
                (store, "add_message", (f"{other}-a", message("x"))),
                (store, "update_conversation", (f"{number}-a",), {"owner": "bob"}),
                (store, "update_conversation", (f"{other}-a",), {"owner": f"o{number}"}),
                (store, "update_conversation", ("shared",), {"owner": f"o{number}"}),
                (store, "put_message", (f"{other}-a", message("y", id="y"))),
                (store, "delete_messages", (f"{other}-a" if number % 2 else "shared",)),
                (store, "create_conversation", (f"{number}-b",), {"owner": "bob", "title": "t"}),
                (store, "fork", (f"{number}-b", f"{number}-c"), {"owner": "ann"}),
            ]

        _together(call, [steps(number, store) for number, store in enumerate(stores)])
        owners = ["ann", "bob", *(f"o{number}" for number in range(_WRITERS))]
        listed = _check_lists(stores[-1], call, owners)
        assert {f"{number}-c" for number in range(_WRITERS)} <= listed["ann"]

    def test_puts_leave_the_last_content(self, stores: list[ChatStore], call: Caller) -> None:
        """Each put message is there once, with the last content that was put."""
        results = call.together(
            [
                [
                    (store, "put_message", ("k", message(f"{number}.{turn}", id=str(number))))
                    for turn in range(6)
                ]
                for number, store in enumerate(stores)
            ]
        )
        assert results == [[None] * 6] * _WRITERS
        stored = contents(call(stores[0], "get_messages", "k"))
        assert sorted(stored) == [f"{number}.5" for number in range(_WRITERS)]

    def test_puts_of_one_message_write_it_once(self, stores: list[ChatStore], call: Caller) -> None:
        call(stores[0], "add_message", "k", message("first"))
        call.together(
            [
                [
                    (store, "put_message", ("k", message(f"{number}.{turn}", id="m")))
                    for turn in "ab"
                ]
                for number, store in enumerate(stores)
            ]
        )
        first, put = contents(call(stores[0], "get_messages", "k"))
        assert first == "first"
        assert put in {f"{number}.b" for number in range(_WRITERS)}
        assert call(stores[0], "get_message", "k", "m").content == put

    def test_truncations_remove_each_message_once(
        self, stores: list[ChatStore], call: Caller
    ) -> None:
        names = [str(number) for number in range(40)]
        call(stores[0], "add_messages", "k", [message(text, id=text) for text in names])
        results = _together(
            call,
            [
                [
                    (store, "truncate", ("k",), {"from_id": str(35 - 5 * turn - number % 5)})
                    for turn in range(6)
                ]
                for number, store in enumerate(stores)
            ],
        )
        errors = _errors(results)
        assert {type(error) for error in errors} <= {MessageNotFoundError}, errors
        removed = sum(one.result for worker in results for one in worker if one.error is None)
        left = contents(call(stores[0], "get_messages", "k"))
        assert left == names[: len(left)]
        assert removed == len(names) - len(left), "a message was removed twice, or not counted"

    def test_snapshots_and_forks_are_of_one_moment(
        self, stores: list[ChatStore], call: Caller
    ) -> None:
        """While pairs of messages are written, readers see whole pairs and their length."""
        call(stores[0], "create_conversation", "k", title="t")

        reading = 2

        def writes(store: ChatStore) -> Iterator[Step]:
            for _ in range(_MOST_PAIRS):
                if not reading:
                    break
                time.sleep(_PAUSE)
                yield store, "add_messages", ("k", [message("x"), message("x")])

        def reads(number: int, store: ChatStore) -> Iterator[Step]:
            nonlocal reading
            for turn in range(3):
                yield store, "fork", ("k", f"f{number}.{turn}")
            for _ in range(4):
                yield store, "snapshot", ("k",)
            reading -= 1

        workers: list[Steps] = [writes(stores[0])]
        workers += [reads(number, store) for number, store in enumerate(stores[1:3])]
        results = call.together(workers)
        for forked in [one for worker in results[1:] for one in worker[:3]]:
            assert forked.length % 2 == 0
            assert call(stores[0], "count_messages", forked.key) == forked.length
        for taken in [one for worker in results[1:] for one in worker[3:]]:
            length = len(taken.messages)
            assert taken.conversation.length == length, "the length is of another moment"
            assert taken.conversation.length % 2 == 0


def _check_lists(store: ChatStore, call: Caller, owners: list[str]) -> dict[str, set[str]]:
    """Check that each owner's list equals what exists, and return the lists."""
    existing = drain(call.iterate(store, "iter_conversations"))
    lists: dict[str, set[str]] = {}
    for owner in owners:
        keys = [one.key for one in drain(call.iterate(store, "iter_conversations", owner=owner))]
        lists[owner] = set(keys)
        assert len(lists[owner]) == len(keys), "a conversation is listed twice"
        assert lists[owner] == {one.key for one in existing if one.owner == owner}, owner
    return lists
