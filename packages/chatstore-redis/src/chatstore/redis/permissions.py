"""Name the command that a user may not call, where only the script's line is known."""

from __future__ import annotations

import re

from chatstore.core import ChatStoreError
from chatstore.redis_scripts import Script
from chatstore.redis_scripts.errors import lacks_permission

_LINE = re.compile(r"user_script:(\d+)")
_DENIED = "can't run this command"
_CALL = re.compile(r"'([A-Z]{3,20})'")


def name_command(error: Exception, script: Script, place: str) -> ChatStoreError | None:
    """Return an error that names the command of a script that Redis before version 7 refused."""
    origin = error.__cause__ if isinstance(error, ChatStoreError) else error
    text = str(origin)
    line = _LINE.search(text) if _DENIED in text else None
    if line is None:
        return None
    lines = script.source.splitlines()
    number = int(line[1])
    call = _CALL.search(lines[number - 1]) if 0 < number <= len(lines) else None
    if call is None:
        return None
    verdict = lacks_permission(call[1])
    return verdict.error(f"{place}: {verdict.text}")
