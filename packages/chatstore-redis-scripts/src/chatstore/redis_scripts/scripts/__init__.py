"""The scripts: a Lua file for each operation, behind what they have in common."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

_FOLDER = Path(__file__).parent


class Script:
    """A script and the hash that the server knows it by.

    Attributes:
        name: The operation.
        source: Its text.
        sha: The hash of the text.
        writes: Whether it changes a conversation.

    """

    def __init__(self, name: str, *parts: str) -> None:
        """Put a script together from files of this folder.

        Args:
            name: The operation, and its file's name.
            parts: Files that stand before it.

        """
        files = [_FOLDER / f"{part}.lua" for part in (*parts, name)]
        self.name = name
        self.writes = "writing" in parts
        self.source = "\n".join(file.read_text(encoding="utf-8") for file in files)
        self.sha = hashlib.sha1(self.source.encode(), usedforsecurity=False).hexdigest()


APPEND = Script("append", "conversation", "whole", "writing")
INSERT = Script("insert", "conversation", "whole", "writing")
REPLACE = Script("replace", "conversation", "writing")
DELETE = Script("delete", "conversation", "writing")
REMOVE = Script("remove", "conversation", "whole", "writing")
STAGE = Script("stage")
COUNT = Script("count", "conversation", "whole")
READ = Script("read", "conversation", "whole")
ALL = (APPEND, INSERT, REPLACE, DELETE, REMOVE, STAGE, COUNT, READ)
_COMMAND = re.compile(r"\b(?:redis\.call|add)\((?:[^()']*, )?'([A-Z]+)'")


def required_commands() -> list[str]:
    """Return the commands that a user of Redis must be allowed to call."""
    called = {name for script in ALL for name in _COMMAND.findall(script.source)}
    return sorted({"EVAL", "EVALSHA", "PING", "SCAN", *called})
