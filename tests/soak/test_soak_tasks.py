"""Short soaks of all databases, and soaks of broken stores, whose faults must be found.

``make tasks`` runs the long form. The number of calls decides when these end, not the time.
"""

from __future__ import annotations

from typing import Any

import pytest
import soak_samples
from soak_broken import BREAKAGES
from soak_ledger import CallName, Ledger, State
from soak_run import soak
from soak_samples import Sample
from soak_servers import DATABASES
from soak_tasks import main

from chatstore.core import ChatMessage


def ends_after(phases: int) -> Any:
    return lambda number, _: number < phases


@pytest.mark.parametrize("database", DATABASES)
def test_nothing_is_lost_and_nothing_is_doubled(database: str) -> None:
    result = soak(database, 3, ends_after(3))

    assert result.violations == []
    assert result.phases == 3
    assert result.answered + result.abandoned == 3 * (72 * 3 + 2)  # writers and their calls
    assert result.answered > 100
    assert result.messages >= result.answered
    assert result.outcomes["cancelled"] > 20
    assert result.abandoned > 0
    assert result.faults["restart"] == (database != "sqlite")


FAULTS = {
    "loses": "is lost",
    "doubles": "is doubled",
    "splits": "is not followed by its call's messages",
    "reverses": "is not followed by its call's messages",
    "leaks files": "files grew",
    "leaks memory": "blocks grew",
}


@pytest.mark.parametrize("breakage", BREAKAGES)
def test_faults_of_stores_are_detected(breakage: str) -> None:
    result = soak("sqlite", 2, ends_after(soak_samples.LEAST), breakage)

    assert FAULTS[breakage] in " ".join(result.violations)


@pytest.mark.parametrize(("breakage", "status"), [([], 0), (["--breakage", "loses"], 1)])
def test_program(breakage: list[str], status: int, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--seconds", "0", "--calls", "1", "--databases", "sqlite"]
    assert main([*arguments, *breakage]) == status
    output = capsys.readouterr().out
    assert "| 64 tasks | sqlite |" in output
    assert ("is lost" in output) == bool(status)


class Conversation:
    """Three calls of one writer: two answered, then an abandoned one; and one of another."""

    def __init__(self) -> None:
        self.ledger = Ledger("k")
        self.calls: list[list[ChatMessage]] = []
        for writer, size, state in [
            ("a", 1, State.ANSWERED),
            ("a", 2, State.ABANDONED),
            ("a", 4, State.ANSWERED),
            ("b", 1, State.ANSWERED),
        ]:
            name = self.ledger.start(writer, size)
            self.ledger.end(name, state)
            self.calls.append(self.ledger.messages(name))

    def violations(self, *order: int) -> list[str]:
        return self.ledger.violations([one for index in order for one in self.calls[index]])


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (0, 2, 3), (3, 0, 2, 1), (0, 3, 2)])
def test_orders_that_are_right(order: tuple[int, ...]) -> None:
    assert Conversation().violations(*order) == []


@pytest.mark.parametrize(
    ("order", "violation"),
    [
        ((0, 1, 3), "call 2 of a is lost"),
        ((2, 0, 3), "call 0 of a is behind a later one"),
        ((1, 0, 2, 3), "call 0 of a is behind a later one"),
        ((0, 1, 1, 2, 3), "call 1 of a is doubled"),
        ((0, 2, 3, 0), "call 0 of a is doubled"),
    ],
)
def test_orders_that_are_wrong(order: tuple[int, ...], violation: str) -> None:
    assert Conversation().violations(*order) == [violation]


def test_messages_that_are_wrong() -> None:
    conversation = Conversation()
    ledger = conversation.ledger
    right = [one for call in conversation.calls for one in call]

    def first_violation(messages: list[ChatMessage]) -> str:
        return ledger.violations(messages)[0]

    changed = right[0].model_copy(update={"content": "other"})
    assert first_violation([changed, *right[1:]]) == "a.0.0 is not followed by its call's messages"
    assert first_violation(right[:4]).startswith("a.2.0 is not followed")
    assert first_violation([*right, right[0].model_copy(update={"id": "c.0.0"})]).startswith(
        "c.0.0"
    )
    other = Ledger("other", ledger.calls).messages(CallName("b", 0))
    assert first_violation([*right[:-1], *other]).startswith("b.0.0 is not followed")


def test_only_ended_calls_are_required() -> None:
    ledger = Ledger("k")
    before = ledger.ended()
    ledger.end(ledger.start("a", 1), State.ANSWERED)
    ledger.start("a", 1)
    assert ledger.violations([], before) == []
    assert ledger.violations([], ledger.ended()) == ["call 0 of a is lost"]


def test_growth() -> None:
    same = [Sample(100 << 20, 200_000, 20, 10, 1, 5)] * 10
    assert soak_samples.growth(same) == []
    for name, value in same[0]._asdict().items():
        grown = [
            one._replace(**{name: int(value * (1 + index / 2) + 10 * index)})
            for index, one in enumerate(same)
        ]
        assert [one.split()[0] for one in soak_samples.growth(grown)] == [name]
