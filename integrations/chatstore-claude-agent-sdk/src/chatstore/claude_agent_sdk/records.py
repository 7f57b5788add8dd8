"""What the record of a conversation says about the transcript: its names, and the summary."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from claude_agent_sdk import SessionKey, SessionSummaryEntry
from pydantic import JsonValue

from chatstore.core import Conversation

_NAME = "claude_agent_sdk"  # in the metadata of the conversation


@dataclass(frozen=True)
class Transcript:
    """A transcript, as the record of its conversation describes it.

    Attributes:
        session_id: The session.
        subpath: Which transcript of the session; ``None``: the main one.
        summary: The SDK's summary; ``None``: the record has none.
        entries: How many entries the summary covers.
        last: The id of the last of them.
        is_too_long: The summary does not fit into the record.

    """

    session_id: str
    subpath: str | None
    summary: Mapping[str, Any] | None = None
    entries: int = 0
    last: str | None = None
    is_too_long: bool = False

    def is_of(self, key: SessionKey) -> bool:
        """Return whether this describes the transcript with that key."""
        return (self.session_id, self.subpath) == (key["session_id"], key.get("subpath"))

    def without_summary(self) -> Transcript:
        """Return the description without the summary, which does not fit into the record."""
        return Transcript(self.session_id, self.subpath, is_too_long=True)

    def to_metadata(self) -> dict[str, JsonValue]:
        """Return the metadata of the record."""
        value: dict[str, JsonValue] = {"session_id": self.session_id}
        if self.subpath is not None:
            value["subpath"] = self.subpath
        if self.is_too_long:
            value["is_too_long"] = True
        if self.summary is not None:
            # Escaped: JavaScript leaves lone surrogates where it cuts texts.
            text = json.dumps(self.summary, separators=(",", ":"))
            value.update({"entries": self.entries, "last": self.last, "summary": text})
        return {_NAME: value}


def transcript_of(key: SessionKey) -> Transcript:
    """Return the description of a new transcript."""
    return Transcript(key["session_id"], key.get("subpath"))


def read_transcript(conversation: Conversation) -> Transcript | None:
    """Return what a record says; ``None``: the conversation keeps no transcript."""
    value = conversation.metadata.get(_NAME)
    if not isinstance(value, dict) or not isinstance(value.get("session_id"), str):
        return None
    fields: dict[str, Any] = dict(value)
    text = fields.pop("summary", None)
    return Transcript(
        session_id=fields["session_id"],
        subpath=fields.get("subpath"),
        summary=json.loads(text) if isinstance(text, str) else None,
        entries=fields.get("entries", 0),
        last=fields.get("last"),
        is_too_long=bool(fields.get("is_too_long")),
    )


def summary_entry(transcript: Transcript, conversation: Conversation) -> SessionSummaryEntry:
    """Return a summary in the SDK's form, with the time of the record."""
    return {
        "session_id": transcript.session_id,
        "mtime": modified(conversation),
        "data": dict(transcript.summary or {}),
    }


def modified(conversation: Conversation) -> int:
    """Return when a conversation was last written, in milliseconds since 1970."""
    return int(conversation.updated_at.timestamp() * 1000)
