"""The algorithm and its mutants, under every order and loss that seeds produce.

`python conditional_simulation.py SEED` prints all steps of one seed.

Nothing may be left of calls that crashed, with two exceptions: records that a client staged after
its staging was given up, and requests that arrived after their client gave them up.
"""

from __future__ import annotations

import os

import pytest
from conditional_id_mutants import ID_MUTANTS
from conditional_linearizability import Call, State, Unknown, apply, is_linearizable
from conditional_mutants import MUTANTS
from conditional_network import record
from conditional_simulation import Algorithm, ViolationError, simulate

SEEDS_PER_TEST = 500
SCHEDULES = 50_000 if os.environ.get("CHATSTORE_SOAK") else 2_000
ALL = MUTANTS | ID_MUTANTS
MAX_SEEDS = 2_000  # that a mutant may survive

A, B = (record(name, 0, has_caller_id=True) for name in "ab")


@pytest.mark.parametrize("first", range(0, SCHEDULES, SEEDS_PER_TEST))
def test_every_history_is_that_of_a_list_and_nothing_is_left(first: int) -> None:
    unknown = [simulate(seed) for seed in range(first, first + SEEDS_PER_TEST)]

    # Calls with an unknown outcome are reported; they must be rare.
    assert sum(unknown) <= SEEDS_PER_TEST // 10


@pytest.mark.parametrize("name", ALL)
def test_a_mistake_is_found(name: str) -> None:
    seed = next((seed for seed in range(MAX_SEEDS) if is_caught(seed, ALL[name])), None)

    assert seed is not None
    simulate(seed)  # the real algorithm


def is_caught(seed: int, algorithm: Algorithm) -> bool:
    try:
        simulate(seed, algorithm)
    except ViolationError:
        return True
    return False


def test_a_seed_is_the_same_run_every_time() -> None:
    runs = []
    for _ in range(2):
        log: list[str] = []
        simulate(5, log=log.append)
        runs.append([line for line in log if "returns" in line or "calls" in line])

    assert runs[0] == runs[1]


class TestLinearizability:
    """The check of histories itself."""

    def test_calls_that_overlap_have_either_order(self) -> None:
        for seen in ((A.body, B.body), (B.body, A.body)):
            assert is_linearizable(
                [
                    Call(0, "append", ((A,),), 0, 5, frozenset()),
                    Call(1, "append", ((B,),), 1, 4, frozenset()),
                    Call(2, "read", (), 6, 7, seen),
                ]
            )

    def test_a_call_that_ended_is_seen_by_the_next(self) -> None:
        assert not is_linearizable(
            [
                Call(0, "append", ((A,),), 0, 1, frozenset()),
                Call(1, "count", (), 2, 3, 0),
            ]
        )

    @pytest.mark.parametrize(("count", "may_be"), [(0, True), (1, True), (2, False)])
    def test_a_call_without_a_reply_took_effect_once_or_never(
        self, count: int, may_be: bool
    ) -> None:
        history = [
            Call(0, "append", ((A,),), 0, float("inf"), Unknown),
            Call(1, "count", (), 2, 3, count),
        ]

        assert is_linearizable(history) == may_be

    def test_what_was_removed_was_removed_once(self) -> None:
        assert not is_linearizable(
            [
                Call(0, "append", ((A,),), 0, 1, frozenset()),
                Call(1, "remove", (0,), 2, 5, A.body),
                Call(2, "remove", (0,), 3, 4, A.body),
            ]
        )

    def test_an_existing_id_writes_nothing(self) -> None:
        existing, state = apply(Call(0, "insert", (0, A), 0, 1, None), State((A, B)))

        assert existing == {(A.id, A.body)}
        assert state == State((A, B))

    def test_a_conversation_ends_with_its_time(self) -> None:
        write = Call(0, "append", ((A,),), 0, 1, frozenset(), 1000, 50)
        _, state = apply(write, State())

        assert apply(Call(0, "jump", (), 2, 3, None, 1049), state)[1] == state
        assert apply(Call(0, "jump", (), 2, 3, None, 1050), state)[1] == State()
