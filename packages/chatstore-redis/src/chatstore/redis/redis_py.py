"""Adapters that make redis-py's clients usable as `ScriptClient`: clusters and callers' clients."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, TypeAlias

import redis

from chatstore.core import StoreUnavailableError
from chatstore.redis.replies import as_text, read_scan
from chatstore.redis.server_mode import ServerMode
from chatstore.redis_scripts import Attempt, Command, ScanPage, foreign_cursor, scan_command

_Cursor: TypeAlias = tuple[str, int]  # a node's name, and the cursor of that node
_Nodes: TypeAlias = Mapping[str, Any]  # redis-py's nodes by name
_SINGLE: _Nodes = {"": None}


class _RedisPy:
    """What the clients of both modes have in common."""

    def __init__(self, client: Any, server: str, mode: ServerMode | None = None) -> None:
        """Take a client.

        Args:
            client: One of redis-py, or a wrapper of one.
            server: The server, for messages.
            mode: Checks, by the first command, that the server is of the client's kind.

        """
        self._client = client
        self._server = server
        self._mode = mode
        self._is_cluster = hasattr(client, "get_primaries")

    def _scan_step(
        self, nodes: _Nodes, cursor: _Cursor | None, pattern: str, count: int
    ) -> tuple[str, Command, dict[str, Any]]:
        """Return the node to scan, the command, and redis-py's options."""
        name, position = (min(nodes), 0) if cursor is None else _checked(cursor)
        if name not in nodes:
            raise StoreUnavailableError(
                f"{self._server}: a node left the cluster while its keys were listed; try again"
            )
        options = {"target_nodes": nodes[name]} if self._is_cluster else {}
        return name, scan_command(position, pattern, count), options


class RedisPyClient(_RedisPy):
    """Sends commands with a sync client, which has its own retries."""

    def send(self, command: Command, attempt: Attempt) -> Any:
        """Send a command; ``attempt.meanwhile`` is not called."""
        self._check_mode()
        attempt.was_sent = True
        return as_text(self._client.execute_command(*command))

    def send_all(self, commands: Sequence[Command], attempt: Attempt) -> list[Any]:
        """Send each node of a cluster its commands together."""
        if len(commands) <= 1 or not self._is_cluster:
            return [self.send(command, attempt) for command in commands]
        attempt.was_sent = True
        pipeline = self._client.pipeline()
        for command in commands:
            pipeline.execute_command(*command)
        return [as_text(reply) for reply in pipeline.execute()]

    def scan(self, cursor: _Cursor | None, pattern: str, count: int, attempt: Attempt) -> ScanPage:
        """List keys; the nodes of a cluster one after the other."""
        self._check_mode()
        attempt.was_sent = True
        nodes = _by_name(self._client.get_primaries()) if self._is_cluster else _SINGLE
        name, command, options = self._scan_step(nodes, cursor, pattern, count)
        return _scan_page(nodes, name, self._client.execute_command(*command, **options))

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)

    def _check_mode(self) -> None:
        if self._mode is not None and self._mode.is_unknown:
            hello = None
            with suppress(redis.ResponseError):  # a server before version 6, or a proxy
                if not self._is_cluster:
                    hello = self._client.execute_command("HELLO")
            self._mode.check(hello)


class AsyncRedisPyClient(_RedisPy):
    """Like `RedisPyClient`, with an async client."""

    async def send(self, command: Command, attempt: Attempt) -> Any:
        """See `RedisPyClient.send`."""
        await self._check_mode()
        attempt.was_sent = True
        return as_text(await self._client.execute_command(*command))

    async def send_all(self, commands: Sequence[Command], attempt: Attempt) -> list[Any]:
        """See `RedisPyClient.send_all`."""
        if len(commands) <= 1 or not self._is_cluster:
            return [await self.send(command, attempt) for command in commands]
        attempt.was_sent = True
        pipeline = self._client.pipeline()
        for command in commands:
            pipeline.execute_command(*command)
        return [as_text(reply) for reply in await pipeline.execute()]

    async def scan(
        self, cursor: _Cursor | None, pattern: str, count: int, attempt: Attempt
    ) -> ScanPage:
        """See `RedisPyClient.scan`."""
        await self._check_mode()
        attempt.was_sent = True
        nodes = await self._nodes() if self._is_cluster else _SINGLE
        name, command, options = self._scan_step(nodes, cursor, pattern, count)
        return _scan_page(nodes, name, await self._client.execute_command(*command, **options))

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)

    async def _nodes(self) -> _Nodes:
        if inspect.iscoroutinefunction(getattr(self._client, "initialize", None)):
            await self._client.initialize()  # redis-py learns the nodes by its first command
        nodes = self._client.get_primaries()
        return _by_name(await nodes if inspect.isawaitable(nodes) else nodes)

    async def _check_mode(self) -> None:
        if self._mode is not None and self._mode.is_unknown:
            hello = None
            with suppress(redis.ResponseError):  # as above
                if not self._is_cluster:
                    hello = await self._client.execute_command("HELLO")
            self._mode.check(hello)


def _by_name(nodes: Any) -> dict[str, Any]:
    return {node.name: node for node in nodes}


def _checked(cursor: object) -> _Cursor:
    """Return a cursor; it may come from a caller, as a JSON value.

    Raises:
        InvalidArgumentError: It does not name a node.

    """
    if isinstance(cursor, (list, tuple)) and len(cursor) == len(("name", "position")):
        name, position = cursor
        if isinstance(name, str) and isinstance(position, int):
            return name, position
    raise foreign_cursor()


def _scan_page(nodes: _Nodes, name: str, reply: Any) -> ScanPage:
    position, names = read_scan(reply)
    if position:
        return ScanPage((name, position), names)
    later = [other for other in sorted(nodes) if other > name]
    return ScanPage((later[0], 0) if later else None, names)
