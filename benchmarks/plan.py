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
    "dynamodb": (*OURS, "LlamaIndex", "bare boto3"),
    "azure": (*OURS, "LlamaIndex", "bare azure-data-tables"),
}
EMULATED = ("dynamodb", "azure")
LONGEST_EMULATED = 1_000
"""Messages: an emulator's times say little; its requests and units are the services'."""

REPEATS = {"append": 20, "window": 9, "read": 3, "set": 1, "delete last": 9}
CALLS = {
    "append": "append",
    "window": "window",
    "read": "read",
    "set": "fill",
    "delete last": "delete_last",
}
SLOWEST_CALL = 10.0
"""Seconds; a package whose next call would take longer is measured no further."""


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

    def lengths_on(self, server: str) -> tuple[int, ...]:
        """Return the lengths that are measured on a server."""
        longest = LONGEST_EMULATED if server in EMULATED else max(self.lengths)
        return tuple(length for length in self.lengths if length <= longest)

    def subjects_on(self, server: str) -> tuple[str, ...]:
        """Return those that there are on a server."""
        return tuple(name for name in SUBJECTS[server] if name in self.subjects)


def full() -> Plan:
    """Return everything."""
    lengths = (10, 100, 1_000, 10_000, 100_000)
    return Plan(tuple(SUBJECTS), tuple(FAMILIES), tuple(CALLS), lengths, 9, 16, 50, 5)


def quick() -> Plan:
    """Return what takes about two minutes: starting processes is most of it."""
    return full()._replace(
        servers=("sqlite", "redis"), lengths=(10, 100), rounds=3, writers=4, races=3
    )
