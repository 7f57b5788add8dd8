"""Requests and answers of Upstash's REST API, without a server."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from upstash_resp import Failure, Status

_UNAVAILABLE = frozenset(
    b"AUTH BLMOVE BLMPOP BLPOP BRPOP BRPOPLPUSH BZMPOP BZPOPMAX BZPOPMIN CLIENT CLUSTER CONFIG "
    b"DEBUG DISCARD EXEC HELLO MONITOR MULTI PSUBSCRIBE PSYNC PUNSUBSCRIBE QUIT READONLY "
    b"READWRITE REPLICAOF RESET SELECT SHUTDOWN SLAVEOF SSUBSCRIBE SUBSCRIBE SUNSUBSCRIBE SYNC "
    b"UNSUBSCRIBE UNWATCH WATCH".split()
)


class RefusedError(Exception):
    """An answer other than 200."""

    def __init__(self, text: str, status: int = 400) -> None:
        super().__init__(text)
        self.status = status


def oversized(size: int, limit: int) -> RefusedError:
    """Return the refusal of a request or a reply above the limit."""
    return RefusedError(
        f"ERR max request size exceeded. Limit: {limit} bytes, Actual: {size} bytes. See "
        "https://upstash.com/docs/redis/troubleshooting/max_request_size_exceeded for details"
    )


def read_request(target: str, body: bytes) -> tuple[str, list[list[bytes]]]:
    """Return ``/``, ``/pipeline`` or ``/multi-exec``, and the commands."""
    url = urlsplit(target)
    if url.path in {"/pipeline", "/multi-exec"}:
        rows = _read_json(body)
        if not isinstance(rows, list) or not rows:
            raise RefusedError("ERR empty pipeline request")
        return url.path, [_read_command(row) for row in rows]
    if url.path in {"", "/"}:
        return "/", [_read_command(_read_json(body))]
    words = [unquote(word).encode() for word in url.path.strip("/").split("/")]
    options = [pair for pair in parse_qsl(url.query) if pair[0] != "_token"]
    words += [body] if body else []
    words += [word.encode() for pair in options for word in pair]
    return "/", [words]


def refusal(command: list[bytes]) -> Failure | None:
    """Return the error of a command that REST does not support."""
    name = command[0].upper()
    blocks = name in {b"XREAD", b"XREADGROUP"} and b"BLOCK" in map(bytes.upper, command)
    if name in _UNAVAILABLE or blocks:
        return Failure(b"ERR Command is not available: '%b'" % name)
    return None


def result(reply: object, *, is_base64: bool) -> dict[str, Any]:
    """Return a reply of Redis as JSON shows it."""
    if isinstance(reply, Failure):
        return {"error": reply.decode(errors="replace")}
    return {"result": _encoded(reply, is_base64=is_base64)}


def size(reply: object) -> int:
    """Return about how many bytes a reply has."""
    if isinstance(reply, list):
        return sum(map(size, reply))
    return len(reply) if isinstance(reply, bytes) else 8


def _read_json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError as error:
        raise RefusedError("ERR failed to parse the request body") from error


def _read_command(row: Any) -> list[bytes]:
    if not isinstance(row, list) or not row or not isinstance(row[0], str):
        raise RefusedError("ERR a command is an array that begins with its name")
    if any(isinstance(word, bool) or not isinstance(word, (str, int, float)) for word in row):
        raise RefusedError("ERR a command's words are strings and numbers")
    try:
        return [str(word).encode() for word in row]
    except UnicodeEncodeError as error:
        raise RefusedError("ERR a command's words are Unicode") from error


def _encoded(reply: object, *, is_base64: bool) -> Any:
    if isinstance(reply, list):
        return [_encoded(item, is_base64=is_base64) for item in reply]
    if not isinstance(reply, bytes):
        return reply
    if is_base64 and not (isinstance(reply, Status) and reply == b"OK"):
        return base64.b64encode(reply).decode()
    return reply.decode(errors="replace")
