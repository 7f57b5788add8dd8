"""The Lua scripts: a file for each operation, preceded by files that several share."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

_FOLDER = Path(__file__).parent


class Script:
    """A script, and the hash by which the server knows it.

    Attributes:
        name: The operation.
        source: The text.
        sha: The hash of the text.
        writes: Whether the script changes a conversation.
        is_brief: Whether its replies are usually short: it returns no messages.

    """

    def __init__(self, name: str, *parts: str) -> None:
        """Build a script from files of this folder.

        Args:
            name: The operation, which is the name of its file.
            parts: The files that precede it.

        """
        files = [_FOLDER / f"{part}.lua" for part in (*parts, name)]
        self.name = name
        self.writes = "writing" in parts
        self.is_brief = name not in {"read", "find", "remove"}
        self.source = "\n".join(file.read_text(encoding="utf-8") for file in files)
        self.sha = hashlib.sha1(self.source.encode(), usedforsecurity=False).hexdigest()


_READING = ("state", "conversation")
_WHOLE = (*_READING, "whole")
APPEND = Script("append", *_WHOLE, "writing")
INSERT = Script("insert", *_WHOLE, "writing")
PUT = Script("put", *_WHOLE, "writing", "revision")
REPLACE = Script("replace", *_READING, "writing", "revision")
REMOVE = Script("remove", *_WHOLE, "writing", "revision")
TRUNCATE = Script("truncate", *_WHOLE, "writing", "revision")
CREATE = Script("create", *_WHOLE, "writing", "record")
UPDATE = Script("update", *_READING, "writing", "record")
DELETE = Script("delete", *_READING, "writing", "revision")
STAGE = Script("stage")
COUNT = Script("count", *_WHOLE)
READ = Script("read", *_WHOLE)
FIND = Script("find", *_WHOLE)
CONVERSATIONS = Script("conversations", "state")
CHECK = Script("check")
_WRITING = (APPEND, INSERT, PUT, REPLACE, REMOVE, TRUNCATE, CREATE, UPDATE, DELETE)
ALL = (*_WRITING, STAGE, COUNT, READ, FIND, CONVERSATIONS, CHECK)
_COMMAND = re.compile(r"\b(?:redis\.call|add)\((?:[^()']*, )?'([A-Z]+)'")


def required_commands() -> list[str]:
    """Return the commands that the Redis user needs permission for."""
    called = {name for script in ALL for name in _COMMAND.findall(script.source)}
    return sorted({"EVAL", "EVALSHA", "PING", "SCAN", *called})
