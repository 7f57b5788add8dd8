"""What is measured on which server, with which lengths, and how often."""

from __future__ import annotations

from typing import NamedTuple

CHATSTORE = ("chatstore", "chatstore async")
FAMILIES = {
    "chatstore": "chatstore",
    "chatstore async": "chatstore",
    "LlamaIndex": "llama_index",
    "LangChain": "langchain",
    "OpenAI Agents": "openai_agents",
    "bare sqlite3": "bare",
    "bare redis": "bare",
    "bare psycopg": "bare",
    "bare asyncpg": "bare",
    "bare boto3": "bare",
    "bare azure-data-tables": "bare",
    "bare upstash-redis": "bare",
    "bare azure-cosmos": "bare",
}
SUBJECTS = {
    "memory": ("chatstore", "LlamaIndex"),
    "sqlite": (*CHATSTORE, "LlamaIndex", "LangChain", "OpenAI Agents", "bare sqlite3"),
    "redis": (*CHATSTORE, "LlamaIndex", "LangChain", "OpenAI Agents", "bare redis"),
    "postgres": (
        *CHATSTORE,
        "LlamaIndex",
        "LangChain",
        "OpenAI Agents",
        "bare psycopg",
        "bare asyncpg",
    ),
    "upstash": (*CHATSTORE, "LlamaIndex", "LangChain", "bare upstash-redis"),
    "dynamodb": (*CHATSTORE, "LlamaIndex", "bare boto3"),
    "azure": (*CHATSTORE, "LlamaIndex", "bare azure-data-tables"),
    "cosmos": (*CHATSTORE, "LangChain", "bare azure-cosmos"),
}
EMULATED = ("upstash", "dynamodb", "azure", "cosmos")
LONGEST = {"upstash": 10_000, "dynamodb": 1_000, "azure": 1_000, "cosmos": 10_000}
"""The longest conversation on an emulator, in messages.

moto reads the whole table for each transaction, Azurite the whole partition for each entity, so
their times say little; their requests are the same as the service's.
"""

EMULATED_ROUNDS, EMULATED_RACES, EMULATED_APPENDS = 3, 1, 50
"""The most rounds, races, and appends of each writer on an emulator."""

LIGHT = ("append", "window", "delete last")
"""Calls whose cost should not depend on the length; they are measured before the others."""
CALLS = {
    "append": "append",
    "window": "window",
    "read": "read",
    "set": "fill",
    "delete last": "delete_last",
}
SLOWEST_CALL = 10.0
"""Seconds; a package is not measured at lengths at which a call would take longer."""
FAST, SLOW = 0.02, 0.5
"""Seconds; faster calls than FAST have several slices in a round, slower than SLOW one call."""
WARM_UPS = 3
"""Calls at the beginning of a slice that are not counted."""


class Pace(NamedTuple):
    """How often one call is made in a round.

    Attributes:
        slices: Parts of a round; between them the other subjects are measured.
        warm_ups: Calls at the beginning of a slice that are not counted.
        calls: Counted calls in a slice.

    """

    slices: int
    warm_ups: int
    calls: int

    @property
    def is_slow(self) -> bool:
        """Whether the call takes so long that few rounds must be enough."""
        return self.warm_ups == 0

    @classmethod
    def of(cls, workload: str, seconds: float) -> Pace:
        """Return the pace for a call that takes this many seconds."""
        calls = {"append": 20, "window": 9, "read": 3, "set": 1, "delete last": 9}[workload]
        if seconds >= SLOW:
            return cls(1, 0, 1)
        return cls(5, WARM_UPS, calls) if seconds < FAST else cls(1, 1, calls)


class Matrix(NamedTuple):
    """What is measured.

    Attributes:
        writers: Processes that append at the same time.
        appends_each: Appends of each writer.
        races: Rounds of the writers.

    """

    servers: tuple[str, ...]
    subjects: tuple[str, ...]
    workloads: tuple[str, ...]
    lengths: tuple[int, ...]
    rounds: int
    writers: int
    appends_each: int
    races: int

    def on(self, server: str) -> Matrix:
        """Return what is measured on a server; less on an emulator."""
        if server not in EMULATED:
            return self
        return self._replace(
            rounds=min(self.rounds, EMULATED_ROUNDS),
            races=min(self.races, EMULATED_RACES),
            appends_each=min(self.appends_each, EMULATED_APPENDS),
        )

    def lengths_on(self, server: str) -> tuple[int, ...]:
        """Return the lengths that are measured on a server."""
        longest = LONGEST.get(server, max(self.lengths))
        return tuple(length for length in self.lengths if length <= longest)

    def subjects_on(self, server: str) -> tuple[str, ...]:
        """Return the subjects that run on a server."""
        return tuple(name for name in SUBJECTS[server] if name in self.subjects)


def full() -> Matrix:
    """Return the whole matrix."""
    lengths = (10, 100, 1_000, 10_000, 100_000)
    return Matrix(tuple(SUBJECTS), tuple(FAMILIES), tuple(CALLS), lengths, 5, 16, 100, 3)


def quick() -> Matrix:
    """Return a part that takes about two minutes, most of it to start processes."""
    return full()._replace(
        servers=("sqlite", "redis"), lengths=(10, 100), rounds=2, writers=4, races=3
    )
