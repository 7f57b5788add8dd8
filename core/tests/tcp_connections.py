"""Connections to the small server: one for threads, one for tasks."""

from __future__ import annotations

import asyncio
import pickle
import socket
import struct
import time
from typing import Any, Protocol

from tcp_server import ReadOnlyError, Request, framed

from chatstore.core.backend import Health

PING = Request("", "ping", ())


class Owner(Protocol):
    """The settings that a connection needs from its backend.

    Attributes:
        port: The server's port.
        timeout: Seconds to wait for a connection and for an answer.
        reuses_all: Whether to reuse every connection, even after an error.
        reuses_cancelled: Whether to reuse the connection of a cancelled call.

    """

    port: int
    timeout: float
    reuses_all: bool
    reuses_cancelled: bool

    def health_after(self, error: Exception) -> Health:
        """Return what an error says about a connection."""
        ...


class Session:
    """What connections of both modes have in common."""

    def __init__(self, owner: Owner) -> None:
        self.created_at = time.monotonic()
        self.health = Health.FINE
        self._owner = owner
        self._has_answer = True

    @property
    def is_reusable(self) -> bool:
        """Whether no answer is pending."""
        return self._has_answer or self._owner.reuses_all

    def _lost(self, error: Exception) -> ConnectionError:
        """Record that there is no answer, and return the error to raise."""
        self.health = self._owner.health_after(error)
        lost = ConnectionError("no answer")
        lost.__cause__ = error
        return lost

    def _answered(self, reply: Any) -> Any:
        self._has_answer = True
        if isinstance(reply, ReadOnlyError):
            self.health = self._owner.health_after(reply)
        return reply


class Connection(Session):
    """One connection for threads."""

    def __init__(self, owner: Owner) -> None:
        super().__init__(owner)
        self._socket = socket.create_connection(("127.0.0.1", owner.port), timeout=owner.timeout)
        self._stream = self._socket.makefile("rb")

    def ask(self, request: Request) -> Any:
        """Send a request and return the reply."""
        self._has_answer = False
        try:
            self._socket.sendall(framed(request))
            reply = pickle.loads(self._stream.read(*struct.unpack("!I", self._stream.read(4))))
        except (OSError, EOFError, struct.error) as error:
            raise self._lost(error) from error
        return self._answered(reply)

    def is_alive(self) -> bool:
        return self.ask(PING) is None

    def close(self) -> None:
        self._stream.close()
        self._socket.close()


class AsyncConnection(Session):
    """One connection for tasks."""

    def __init__(
        self, owner: Owner, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        super().__init__(owner)
        self._reader, self._writer = reader, writer

    @classmethod
    async def open(cls, owner: Owner) -> AsyncConnection:
        """Connect to the server."""
        connecting = asyncio.open_connection("127.0.0.1", owner.port)
        reader, writer = await asyncio.wait_for(connecting, owner.timeout)
        return cls(owner, reader, writer)

    async def ask(self, request: Request) -> Any:
        """Send a request and return the reply."""
        self._has_answer = False
        try:
            self._writer.write(framed(request))
            reply = await asyncio.wait_for(self._read(), self._owner.timeout)
        except (OSError, EOFError, asyncio.TimeoutError) as error:
            raise self._lost(error) from error
        except asyncio.CancelledError:
            self._has_answer = self._owner.reuses_cancelled
            raise
        return self._answered(reply)

    async def _read(self) -> Any:
        size = struct.unpack("!I", await self._reader.readexactly(4))[0]
        return pickle.loads(await self._reader.readexactly(size))

    async def is_alive(self) -> bool:
        return await self.ask(PING) is None

    async def close(self) -> None:
        self._writer.close()
