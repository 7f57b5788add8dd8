"""Commands as bytes."""

from __future__ import annotations

from chatstore.redis_scripts import Command


def packed(command: Command) -> bytes:
    """Return a command as an array of bulk strings, in one piece.

    This is faster than redis-py's packing, which took a third of an append's time in Python:
    https://redis.io/docs/latest/develop/reference/protocol-spec/
    """
    parts = [f"*{len(command)}\r\n"]
    for word in command:
        size = len(word) if word.isascii() else len(word.encode())
        parts.append(f"${size}\r\n{word}\r\n")
    return "".join(parts).encode()
