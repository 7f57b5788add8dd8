"""Scripts and key listings on a client of redis-py, sync or async, single or cluster."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from chatstore.core import StoreUnavailableError
from chatstore.core.plans import Plan, call
from chatstore.lua import Meanwhile, Script


class Commands:
    """What the plans ask of a client (`chatstore.lua.ScriptClient`)."""

    def __init__(self, client: Any, drive: Callable[[Plan[Any], Any], Any]) -> None:
        """Take a client and what runs plans in its colour."""
        self._client = client
        self._drive = drive

    def run(
        self,
        script: Script,
        keys: Sequence[str],
        args: Sequence[str],
        meanwhile: Meanwhile = None,
    ) -> Any:
        """Run a script by its hash; send the whole where the server does not know it."""
        return self._drive(_running(script, keys, args, meanwhile), self._client)

    def scan(self, cursor: Any | None, match: str, count: int) -> Any:
        """List some keys; in a cluster one node after the other."""
        return self._drive(_scanning(cursor, match, count), self._client)


def _running(
    script: Script, keys: Sequence[str], args: Sequence[str], meanwhile: Meanwhile
) -> Plan[Any]:
    from redis.exceptions import NoScriptError  # noqa: PLC0415 - loaded by the first call

    rest = (len(keys), *keys, *args)

    def by_hash(client: Any) -> Any:
        options = {"meanwhile": meanwhile} if getattr(client, "overlaps", False) else {}
        return client.execute_command("EVALSHA", script.sha, *rest, **options)

    try:
        reply = yield from call(by_hash)
    except NoScriptError:
        reply = yield from call(lambda client: client.execute_command("EVAL", script.source, *rest))
    return _text(reply)


def _scanning(cursor: Any | None, match: str, count: int) -> Plan[tuple[Any | None, list[str]]]:
    """Scan a node; the cursor is a node's address with its own cursor."""
    nodes = yield from call(_nodes)
    address, place = (min(nodes), 0) if cursor is None else cursor
    if address not in nodes:
        message = "a node left the cluster while its keys were listed"
        raise StoreUnavailableError(message)
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


def _nodes(client: Any) -> Any:
    """Return the nodes by their address; of a single server there is one without a name."""
    if not hasattr(client, "get_primaries"):
        return {"": None}
    if not hasattr(client, "initialize"):
        return {node.name: node for node in client.get_primaries()}

    async def known() -> dict[str, Any]:
        await client.initialize()  # the async client learns its nodes by its first command
        return {node.name: node for node in client.get_primaries()}

    return known()


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
