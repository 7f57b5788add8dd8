"""Scripts and key listings on a client of redis-py, sync or async, single or cluster."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from chatstore.core import StoreUnavailableError
from chatstore.core.backend import Plan, call
from chatstore.redis.errors import translate
from chatstore.redis.permissions import name_command
from chatstore.redis.server_mode import ServerMode
from chatstore.redis_scripts import Meanwhile, Script


class Commands:
    """What the plans ask of a client (`chatstore.redis_scripts.ScriptClient`)."""

    def __init__(
        self,
        client: Any,
        drive: Callable[[Plan[Any], Any], Any],
        place: str = "Redis",
        mode: ServerMode | None = None,
    ) -> None:
        """Take a client and what runs plans in its mode.

        Args:
            client: The store's own client, or the caller's.
            drive: `chatstore.core.backend.run` or `async_run`.
            place: The server, for errors.
            mode: Checks the server of a client that the caller brought.

        """
        self._client = client
        self._drive = drive
        self._place = place
        self._mode = mode

    def run(
        self,
        script: Script,
        keys: Sequence[str],
        args: Sequence[str],
        meanwhile: Meanwhile = None,
    ) -> Any:
        """Run a script by its hash; send the source where the server does not know it."""
        return self._drive(self._running(script, keys, args, meanwhile), self._client)

    def scan(self, cursor: Any | None, match: str, count: int) -> Any:
        """List some keys; in a cluster one node after the other."""
        return self._drive(self._scanning(cursor, match, count), self._client)

    def _running(
        self, script: Script, keys: Sequence[str], args: Sequence[str], meanwhile: Meanwhile
    ) -> Plan[Any]:
        from redis.exceptions import NoScriptError  # noqa: PLC0415 - loaded by the first call

        rest = (len(keys), *keys, *args)
        yield from self._checking_mode()
        try:
            try:
                reply = yield from call(
                    lambda client: _execute(client, script, "EVALSHA", script.sha, rest, meanwhile)
                )
            except NoScriptError:
                reply = yield from call(
                    lambda client: _execute(client, script, "EVAL", script.source, rest, None)
                )
        except Exception as error:
            failure = name_command(error, script, self._place) or translate(
                error, self._place, is_write=script.writes
            )
            if failure is None:
                raise
            raise failure from error
        return _text(reply)

    def _scanning(
        self, cursor: Any | None, match: str, count: int
    ) -> Plan[tuple[Any | None, list[str]]]:
        """Scan a node; the cursor is a node's address with its own cursor."""
        yield from self._checking_mode()
        nodes = yield from call(_nodes)
        address, place = (min(nodes), 0) if cursor is None else cursor
        if address not in nodes:
            raise StoreUnavailableError(
                f"{self._place}: a node left the cluster while its keys were listed"
            )
        target = {} if nodes[address] is None else {"target_nodes": nodes[address]}
        reply = yield from call(
            lambda client: client.execute_command(
                "SCAN", place, "MATCH", match, "COUNT", count, **target
            )
        )
        place, keys = _scanned(reply)
        if place:
            return (address, place), keys
        later = [name for name in sorted(nodes) if name > address]
        return ((later[0], 0) if later else None), keys

    def _checking_mode(self) -> Plan[None]:
        """Check, by the first command, that a caller's client is not one for a single server."""
        if self._mode is None or not self._mode.is_unknown:
            return
        import redis  # noqa: PLC0415 - loaded, as there is a client

        hello = None
        with suppress(redis.ResponseError):  # a server before version 6, or a proxy
            hello = yield from call(
                lambda client: (
                    None if hasattr(client, "get_primaries") else client.execute_command("HELLO")
                )
            )
        self._mode.check(hello)


def _execute(
    client: Any,
    script: Script,
    command: str,
    name: str,
    rest: tuple[Any, ...],
    meanwhile: Meanwhile,
) -> Any:
    """Run a script; the store's own clients take more than redis-py's."""
    options: dict[str, Any] = {}
    if getattr(client, "retries_writes", False):
        options["is_write"] = script.writes
    if meanwhile is not None and getattr(client, "overlaps", False):
        options["meanwhile"] = meanwhile
    return client.execute_command(command, name, *rest, **options)


def _nodes(client: Any) -> Any:
    """Return the nodes by their address; of a single server there is one without a name."""
    if not hasattr(client, "get_primaries"):
        return {"": None}
    if inspect.iscoroutinefunction(getattr(client, "initialize", None)):
        return _initialized(client)
    nodes = client.get_primaries()
    return _awaited(nodes) if inspect.isawaitable(nodes) else _named(nodes)


async def _initialized(client: Any) -> dict[str, Any]:
    await client.initialize()  # redis-py's async client learns its nodes by its first command
    return _named(client.get_primaries())


async def _awaited(nodes: Any) -> dict[str, Any]:
    return _named(await nodes)


def _named(nodes: Any) -> dict[str, Any]:
    return {node.name: node for node in nodes}


def _scanned(reply: Any) -> tuple[int, list[str]]:
    """Return cursor and keys; a cluster's client tells the cursor, or both, by node."""
    if isinstance(reply, dict):
        [reply] = reply.values()
    place, keys = reply
    if isinstance(place, dict):
        [place] = place.values()
    return int(place), _text(list(keys))


def _text(reply: Any) -> Any:
    """Return a reply with strings for bytes; those that are not UTF-8 fail as JSON, later."""
    if isinstance(reply, list):
        return [_text(item) for item in reply]
    return reply.decode("utf-8", "surrogateescape") if isinstance(reply, bytes) else reply
