"""What can be examined on a Redis server, through the store's own connection."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from chatstore.cli.amounts import file_size
from chatstore.cli.doctor.findings import Finding, fail, guarded, ok, warn
from chatstore.cli.doctor.hosts import encryption

if TYPE_CHECKING:
    from chatstore.core import ChatStore
    from chatstore.core.backend import Backend, Plan

_FULL = 0.9  # of maxmemory


def examine(store: ChatStore, url: str) -> Iterator[Finding]:
    """Yield findings of one server; of a cluster, those of the node that answers."""
    yield ok("scripts", "the server runs Lua scripts, which `access` has called")
    encrypted = url.lower().startswith("rediss:")
    yield encryption(url, encrypted=encrypted, advice="use rediss:// and a server with TLS")
    yield from guarded("server", lambda: from_info(_read_info(store)))


def from_info(info: dict[str, str]) -> Iterator[Finding]:
    """Yield findings about what the command INFO returned."""
    version = info.get("redis_version", "of an unknown version")
    if info.get("role") == "slave":
        yield fail("server", f"Redis {version} is a replica", "use the address of the primary")
    else:
        yield ok("server", f"Redis {version}, {info.get('redis_mode', 'standalone')}")
    yield _eviction(info)
    yield _memory(info)
    yield _persistence(info)


def _eviction(info: dict[str, str]) -> Finding:
    policy = info.get("maxmemory_policy", "noeviction")
    if policy == "noeviction":
        return ok("eviction", "the policy is noeviction: nothing is removed when memory is full")
    limit = int(info.get("maxmemory", 0))
    advice = "CONFIG SET maxmemory-policy noeviction, or a server of its own for conversations"
    message = f"with the policy {policy}, a full server removes parts of conversations"
    if limit:
        return fail("eviction", f"{message}; maxmemory is {file_size(limit)}", advice)
    return warn("eviction", f"{message}, as soon as maxmemory is set", advice)


def _memory(info: dict[str, str]) -> Finding:
    used, limit = int(info.get("used_memory", 0)), int(info.get("maxmemory", 0))
    if not limit:
        return ok("memory", f"{file_size(used)} used, without a limit")
    message = f"{file_size(used)} of {file_size(limit)} used"
    if used > _FULL * limit:
        return warn("memory", message, "raise maxmemory, or delete old conversations")
    return ok("memory", message)


def _persistence(info: dict[str, str]) -> Finding:
    if info.get("rdb_last_bgsave_status") == "err" or info.get("aof_last_write_status") == "err":
        return fail("persistence", "the last write to disk failed", "see the log of the server")
    if info.get("aof_enabled") == "1":
        return ok("persistence", "the append-only file is on")
    return warn(
        "persistence",
        "the append-only file is off: a crash loses what was written since the last snapshot",
        "CONFIG SET appendonly yes",
    )


def _read_info(store: ChatStore) -> dict[str, str]:
    text = str(store.run("doctor", _info))
    lines = (line.partition(":") for line in text.splitlines() if not line.startswith("#"))
    return {name: value for name, _, value in lines if name}


def _info(_: Backend[Any]) -> Plan[Any, Any]:
    from chatstore.core.backend import call
    from chatstore.redis_scripts import Attempt

    return call(lambda client: client.send(["INFO"], Attempt()))
