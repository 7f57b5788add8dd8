"""Ids of a session's messages, which Strands numbers, and keys of its conversations."""

from __future__ import annotations

import re

from chatstore.core import ChatMessage
from chatstore.core.keys import join_key

DEFAULT_AGENT = "default"
"""The id of an agent that has none."""

_ID = re.compile(r"strands-(\d+)")
_RECORDS = "strands"


def stored_id(number: object) -> str:
    """Return the id under which a store has the message with a number.

    Raises:
        ValueError: The number is not an integer of at least 0.

    """
    if not isinstance(number, int) or number < 0:
        raise ValueError(f"a message id of Strands is an integer of at least 0, not {number!r}")
    return f"strands-{number}"


def number_of(message: ChatMessage) -> int | None:
    """Return the number of a stored message; ``None`` if it was not written by a session."""
    own = _ID.fullmatch(message.id or "")
    return int(own[1]) if own else None


def conversation_key(session_id: str, agent_id: str = DEFAULT_AGENT) -> str:
    """Return the key of an agent's conversation: for the default agent, that of the session."""
    return join_key(session_id) if agent_id == DEFAULT_AGENT else join_key(session_id, agent_id)


def session_key(session_id: str) -> str:
    """Return the key of the document of a session."""
    return join_key(_RECORDS, "session", session_id)


def agent_key(session_id: str, agent_id: str) -> str:
    """Return the key of the document of an agent."""
    return join_key(_RECORDS, "agent", session_id, agent_id)


def multi_agent_key(session_id: str, multi_agent_id: str) -> str:
    """Return the key of the document of a graph or swarm."""
    return join_key(_RECORDS, "multi-agent", session_id, multi_agent_id)
