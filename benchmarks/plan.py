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
}
REPEATS = {"append": 20, "window": 3, "read": 1, "set": 1, "delete last": 5}
CALLS = {
    "append": "append",
    "window": "window",
    "read": "read",
    "set": "fill",
    "delete last": "delete_last",
}
WRITERS = 16
SLOWEST_CALL = 10.0
"""Seconds; a package whose next call would take longer is measured no further."""


class Plan(NamedTuple):
    """How much is measured."""

    servers: tuple[str, ...]
    subjects: tuple[str, ...]
    workloads: tuple[str, ...]
    lengths: tuple[int, ...]
    rounds: int
    appends_each: int  # of each of the writers

    def subjects_on(self, server: str) -> tuple[str, ...]:
        """Return those that there are on a server."""
        return tuple(name for name in SUBJECTS[server] if name in self.subjects)


def full() -> Plan:
    """Return everything."""
    lengths = (10, 100, 1_000, 10_000, 100_000)
    return Plan(tuple(SUBJECTS), tuple(FAMILIES), tuple(CALLS), lengths, 15, 50)


def quick() -> Plan:
    """Return what takes about two minutes."""
    return full()._replace(lengths=(10, 100, 1_000), rounds=3, appends_each=10)
