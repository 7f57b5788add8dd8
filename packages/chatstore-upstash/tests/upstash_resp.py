"""Redis's wire protocol (RESP2), as bytes: https://redis.io/docs/latest/develop/reference/protocol-spec/."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from typing import TypeAlias

Command: TypeAlias = Sequence[bytes]


class Status(bytes):
    """A simple string: ``OK``, ``PONG``, ``QUEUED``."""


class Failure(bytes):
    """An error reply."""


class Connection:
    """One connection to a redis-server; not shared between threads."""

    def __init__(self, port: int, user: str = "", password: str = "") -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._file = self._socket.makefile("rb")
        if user:
            reply = self.call(b"AUTH", user.encode(), password.encode())
            assert reply == b"OK", reply

    def call(self, *command: bytes) -> object:
        """Send one command and return its reply."""
        return self.send([command])[0]

    def send(self, commands: Sequence[Command]) -> list[object]:
        """Send commands together and return the reply of each."""
        self._socket.sendall(b"".join(map(_packed, commands)))
        return [self._read() for _ in commands]

    def close(self) -> None:
        """Close the connection."""
        self._file.close()
        self._socket.close()

    def _read(self) -> object:
        line = self._file.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionError("redis-server closed the connection")
        kind, rest = line[:1], line[1:-2]
        if kind == b"+":
            return Status(rest)
        if kind == b"-":
            return Failure(rest)
        if kind == b":":
            return int(rest)
        length = int(rest)
        if length < 0:
            return None
        if kind == b"*":
            return [self._read() for _ in range(length)]
        return self._file.read(length + 2)[:-2]


def _packed(command: Command) -> bytes:
    parts = [b"*%d\r\n" % len(command)]
    parts += [b"$%d\r\n%b\r\n" % (len(part), part) for part in command]
    return b"".join(parts)
