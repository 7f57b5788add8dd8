"""Name the command that a user may not call if the reply has only the script's line."""

from __future__ import annotations

import re

from chatstore.redis_scripts import Script, Verdict
from chatstore.redis_scripts.errors import lacks_permission

_LINE = re.compile(r"user_script:(\d+)")
_DENIED = "can't run this command"
_CALL = re.compile(r"'([A-Z]{3,20})'")


def name_command(reply: str, script: Script) -> Verdict | None:
    """Return a verdict that names the command that Redis before version 7 refused in a script."""
    line = _LINE.search(reply) if _DENIED in reply else None
    if line is None:
        return None
    lines = script.source.splitlines()
    number = int(line[1])
    call = _CALL.search(lines[number - 1]) if 0 < number <= len(lines) else None
    return None if call is None else lacks_permission(call[1])
