"""The Lua scripts, each built from files, most of which several of them share."""

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
            name: The operation.
            parts: The files, in their order.

        """
        files = [_FOLDER / f"{part}.lua" for part in parts]
        self.name = name
        self.writes = "writing" in parts
        self.is_brief = name not in {"read", "find", "remove"}
        self.source = "\n".join(file.read_text(encoding="utf-8") for file in files)
        self.sha = hashlib.sha1(self.source.encode(), usedforsecurity=False).hexdigest()


_READING = ("state", "conversation")
_WHOLE = (*_READING, "whole")
_NEW = (*_WHOLE, "writing", "repeated", "records", "existing")
_CHANGE = ("writing", "revision")
APPEND = Script("append", *_NEW, "write", "save")
INSERT = Script("insert", *_NEW, "insert", "save")
PUT = Script("put", *_WHOLE, *_CHANGE, "repeated", "records", "put", "write", "save")
REPLACE = Script("replace", *_READING, *_CHANGE, "repeated", "records", "replace", "write", "save")
REMOVE = Script("remove", *_WHOLE, *_CHANGE, "remove", "removed", "save")
TRUNCATE = Script("truncate", *_WHOLE, *_CHANGE, "repeated", "truncate", "removed", "save")
CREATE = Script(
    "create", *_WHOLE, "writing", "repeated", "records", "record", "create", "write", "save"
)
UPDATE = Script("update", *_READING, "writing", "repeated", "record", "update", "save")
DELETE = Script("delete", *_READING, *_CHANGE, "delete")
STAGE = Script("stage", "stage")
COUNT = Script("count", *_WHOLE, "count")
READ = Script("read", *_WHOLE, "read")
FIND = Script("find", *_WHOLE, "find")
CONVERSATIONS = Script("conversations", "state", "conversations")
CHECK = Script("check", "check")
_WRITING = (APPEND, INSERT, PUT, REPLACE, REMOVE, TRUNCATE, CREATE, UPDATE, DELETE)
ALL = (*_WRITING, STAGE, COUNT, READ, FIND, CONVERSATIONS, CHECK)
_COMMAND = re.compile(r"\b(?:redis\.call|add)\((?:[^()']*, )?'([A-Z]+)'")


def required_commands() -> list[str]:
    """Return the commands that the Redis user needs permission for."""
    called = {name for script in ALL for name in _COMMAND.findall(script.source)}
    return sorted({"EVAL", "EVALSHA", "PING", "SCAN", *called})
