"""What is measured on which server, with which lengths, and how often."""

from __future__ import annotations

from typing import NamedTuple

CHATSTORE = ("chatstore", "chatstore async")
PEERS = ("LlamaIndex", "LangChain", "LangGraph", "OpenAI Agents", "Pydantic AI")
FAMILIES = {
    "chatstore": "chatstore",
    "chatstore async": "chatstore",
    "LlamaIndex": "llama_index",
    "LangChain": "langchain",
    "LangGraph": "langgraph",
    "OpenAI Agents": "openai_agents",
    "Pydantic AI": "pydantic_ai",
    "bare sqlite3": "bare",
    "bare redis": "bare",
    "bare redis.asyncio": "bare",
    "bare psycopg": "bare",
    "bare asyncpg": "bare",
    "bare boto3": "bare",
    "bare azure-data-tables": "bare",
    "bare upstash-redis": "bare",
    "bare azure-cosmos": "bare",
    "bare redis, same promises": "bare",
    "bare redis.asyncio, same promises": "bare",
    "bare psycopg, same promises": "bare",
    "bare asyncpg, same promises": "bare",
}
_FRAMEWORKS = ("LlamaIndex", "LangChain", "LangGraph", "OpenAI Agents")
SUBJECTS = {
    "memory": ("chatstore", "LlamaIndex", "Pydantic AI"),
    "sqlite": (*CHATSTORE, *_FRAMEWORKS, "bare sqlite3"),
    "redis": (
        *CHATSTORE,
        "LlamaIndex",
        "LangChain",
        "OpenAI Agents",
        "bare redis",
        "bare redis.asyncio",
    ),
    "postgres": (*CHATSTORE, *_FRAMEWORKS, "bare psycopg", "bare asyncpg"),
    "upstash": (*CHATSTORE, "LlamaIndex", "LangChain", "bare upstash-redis"),
    "dynamodb": (*CHATSTORE, "LlamaIndex", "bare boto3"),
    "azure": (*CHATSTORE, "LlamaIndex", "bare azure-data-tables"),
    "cosmos": (*CHATSTORE, "LangChain", "bare azure-cosmos"),
}
FLOORS = {
    "redis": {
        "chatstore": "bare redis, same promises",
        "chatstore async": "bare redis.asyncio, same promises",
    },
    "postgres": {
        "chatstore": "bare psycopg, same promises",
        "chatstore async": "bare asyncpg, same promises",
    },
}
"""For a server and a store of this project: the least that a driver must do to keep its promises.

Only processes that append at the same time are compared with them.
"""
ASYNC = (
    "chatstore async",
    *_FRAMEWORKS,
    "bare redis.asyncio",
)
"""Packages of which many tasks of a process can append at the same time."""

EMULATED = ("upstash", "dynamodb", "azure", "cosmos")
LONGEST = {"upstash": 10_000, "dynamodb": 1_000, "azure": 1_000, "cosmos": 10_000}
"""The longest conversation on an emulator, in messages.

moto reads the whole table for each transaction, Azurite the whole partition for each entity, so
their times say little; their requests are the same as the service's.
"""
LONGEST_OF = {"LangGraph": 10_000}
"""The longest conversation of a package, in messages: each append of LangGraph stores all of it."""

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
_LENGTHS: dict[str, tuple[int, ...]] = {
    "append": (10, 1_000, 100_000),
    "window": (100, 1_000, 100_000),
    "read": (10, 1_000, 10_000),
    "set": (10, 1_000, 10_000),
    "delete last": (10, 1_000, 100_000),
}
SLOWEST_CALL = 10.0
"""Seconds; a package is not measured at lengths at which a call would take longer."""
SLOWEST_SET = 60.0
"""Seconds; a package is not measured at lengths that take longer to create."""
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
        lengths: For each workload, the messages in the conversations.
        writers: Processes that append at the same time.
        tasks: Tasks of one process that append at the same time.
        appends_each: The most appends of each of them.
        race_seconds: The time after which they make no further append.
        races: Rounds of the writers.

    """

    servers: tuple[str, ...]
    subjects: tuple[str, ...]
    workloads: tuple[str, ...]
    lengths: dict[str, tuple[int, ...]]
    rounds: int
    writers: int
    tasks: int
    appends_each: int
    race_seconds: float
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

    def lengths_on(self, server: str, *workloads: str) -> tuple[int, ...]:
        """Return the lengths that some workloads need on a server; by default, all of them."""
        longest = LONGEST.get(server)
        lengths = {
            length if longest is None else min(length, longest)
            for workload in workloads or self.workloads
            for length in self.lengths[workload]
        }
        return tuple(sorted(lengths))

    def subjects_on(self, server: str) -> tuple[str, ...]:
        """Return the subjects that run on a server."""
        return tuple(name for name in SUBJECTS[server] if name in self.subjects)

    def races_on(self, server: str) -> list[tuple[str, int]]:
        """Return the packages and the number of tasks in each of their processes."""
        if server == "memory" or "append" not in self.workloads:
            return []
        names = self.subjects_on(server)
        floors = [one for one in FLOORS.get(server, {}).values() if one in self.subjects]
        tasks = [name for name in names if name in ASYNC]
        return [(name, 1) for name in (*names, *floors)] + [(name, self.tasks) for name in tasks]


def full() -> Matrix:
    """Return the whole matrix."""
    return Matrix(
        servers=tuple(SUBJECTS),
        subjects=tuple(FAMILIES),
        workloads=tuple(CALLS),
        lengths=_LENGTHS,
        rounds=3,
        writers=16,
        tasks=64,
        appends_each=100,
        race_seconds=2.0,
        races=3,
    )


def quick() -> Matrix:
    """Return a part that takes a few minutes, most of them to start processes."""
    lengths: dict[str, tuple[int, ...]] = dict.fromkeys(CALLS, (10, 100))
    return full()._replace(
        servers=("sqlite", "redis"), lengths=lengths, rounds=2, writers=4, races=2
    )
