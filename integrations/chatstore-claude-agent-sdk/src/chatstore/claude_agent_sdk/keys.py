"""Keys and owners of the conversations that keep sessions."""

from __future__ import annotations

from claude_agent_sdk import SessionKey

from chatstore.core.keys import join_key


def conversation_key(key: SessionKey) -> str:
    """Return the store's key of a transcript: the SDK's names, escaped, with ``/`` between them.

    The SDK's default for ``project_key`` is ``claude_agent_sdk.project_key_for_directory(cwd)``.

    Raises:
        InvalidKeyError: A name is empty.

    """
    names = [key["project_key"], key["session_id"]]
    subpath = key.get("subpath")
    if subpath is not None:
        names.append(subpath)
    return join_key(*names)


def project_owner(project_key: str) -> str:
    """Return the owner of a project's main transcripts.

    It contains no ``/``, so it is never the owner of a session's subagents.
    """
    return join_key(project_key)


def session_owner(project_key: str, session_id: str) -> str:
    """Return the owner of the transcripts of a session's subagents."""
    return join_key(project_key, session_id)


def owner_of(key: SessionKey) -> str:
    """Return the owner of a transcript."""
    if key.get("subpath") is None:
        return project_owner(key["project_key"])
    return session_owner(key["project_key"], key["session_id"])
