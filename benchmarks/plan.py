"""What is measured on which server, how long, and how often."""

from __future__ import annotations

from typing import NamedTuple

OURS = ("chatstore", "chatstore async")
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
    "sqlite": (*OURS, "LlamaIndex", "LangChain", "OpenAI Agents", "bare sqlite3"),
    "redis": (*OURS, "LlamaIndex", "LangChain", "OpenAI Agents", "bare redis"),
    "postgres": (
        *OURS,
        "LlamaIndex",
        "LangChain",
        "OpenAI Agents",
        "bare psycopg",
        "bare asyncpg",
    ),
    "upstash": (*OURS, "LlamaIndex", "LangChain", "bare upstash-redis"),
    "dynamodb": (*OURS, "LlamaIndex", "bare boto3"),
    "azure": (*OURS, "LlamaIndex", "bare azure-data-tables"),
    "cosmos": (*OURS, "LangChain", "bare azure-cosmos"),
}
EMULATED = ("upstash", "dynamodb", "azure", "cosmos")
LONGEST = {"upstash": 10_000, "dynamodb": 1_000, "azure": 1_000, "cosmos": 10_000}
"""Messages that an emulator bears: their times say little, their requests are the services'.

moto looks at a whole table for each transaction, Azurite at a whole partition for each entity.
"""

EMULATED_ROUNDS, EMULATED_RACES, EMULATED_APPENDS = 3, 1, 50
"""The most of a plan's rounds, races, and appends of a writer that are made on an emulator."""

LIGHT = ("append", "window", "delete last")
"""What costs the same at any length, if a store is good: it is measured before the rest."""
CALLS = {
    "append": "append",
    "window": "window",
    "read": "read",
    "set": "fill",
    "delete last": "delete_last",
}
SLOWEST_CALL = 10.0
"""Seconds; a package whose next call would take longer is measured no further."""
FAST, SLOW = 0.02, 0.5
"""Seconds: faster calls take several short turns in a round, slower ones are made once."""
WARM_UPS = 3
"""Calls at the beginning of a short turn that are not counted."""


class Pace(NamedTuple):
    """How often one call is made in a round."""

    turns: int
    warm_ups: int
    calls: int

    @property
    def is_slow(self) -> bool:
        """Whether it takes so long that a few rounds must do."""
        return self.warm_ups == 0

    @classmethod
    def of(cls, workload: str, seconds: float) -> Pace:
        """Return what suits a call that takes so long."""
        calls = {"append": 20, "window": 9, "read": 3, "set": 1, "delete last": 9}[workload]
        if seconds >= SLOW:
            return cls(1, 0, 1)
        return cls(5, WARM_UPS, calls) if seconds < FAST else cls(1, 1, calls)


class Plan(NamedTuple):
    """How much is measured."""

    servers: tuple[str, ...]
    subjects: tuple[str, ...]
    workloads: tuple[str, ...]
    lengths: tuple[int, ...]
    rounds: int
    writers: int  # at once
    appends_each: int
    races: int

    def on(self, server: str) -> Plan:
        """Return how much is measured on a server: less where it is an emulator."""
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
        """Return those that there are on a server."""
        return tuple(name for name in SUBJECTS[server] if name in self.subjects)


def full() -> Plan:
    """Return everything."""
    lengths = (10, 100, 1_000, 10_000, 100_000)
    return Plan(tuple(SUBJECTS), tuple(FAMILIES), tuple(CALLS), lengths, 5, 16, 100, 3)


def quick() -> Plan:
    """Return what takes about two minutes: starting processes is most of it."""
    return full()._replace(
        servers=("sqlite", "redis"), lengths=(10, 100), rounds=2, writers=4, races=3
    )
