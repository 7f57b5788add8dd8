"""What the error replies of a Redis server mean: for the caller, and for the connection.

One table holds both. Messages never quote replies, since Redis repeats parts of commands in some.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from chatstore.core import (
    ChatStoreError,
    CorruptStoreError,
    SchemaVersionError,
    StoreAccessError,
    StoreFullError,
    StoreSetupError,
    StoreUnavailableError,
)
from chatstore.core.backend import Health


class Verdict(NamedTuple):
    """What an error reply means.

    Attributes:
        error: The class of the error that the caller gets.
        text: Its message: the cause and the remedy.
        health: The state of the connection that the reply came over.
        is_temporary: Whether sending the command again may help, on a new connection if this one
            is useless. The server has not run the command.

    """

    error: type[ChatStoreError]
    text: str
    health: Health = Health.FINE
    is_temporary: bool = False


_README = "the package's README lists the permissions that it needs"
_OUTDATED = Health.OUTDATED
_FOREIGN = Verdict(
    CorruptStoreError,
    "a key of this conversation holds data of another type, which this package did not write; "
    "rename or delete that key, or give the store a namespace of its own",
)
_FULL = Verdict(
    StoreFullError,
    "the server has no memory left; raise maxmemory, or delete or expire conversations",
)
_READ_ONLY = Verdict(
    StoreAccessError,
    "the server is a read-only replica; connect to the primary",
    _OUTDATED,
    is_temporary=True,
)
_PASSWORD = Verdict(
    StoreAccessError,
    "the server does not accept the user name or the password; the URL has the form "
    "redis://user:password@host, with reserved characters percent-encoded",
)
_NO_PASSWORD = Verdict(
    StoreAccessError,
    "the server requires a password; give one in the URL: redis://:password@host, or "
    "redis://user:password@host",
    _OUTDATED,
)
_NO_PERMISSION = Verdict(StoreAccessError, f"the user lacks a permission; {_README}")
_LOADING = Verdict(StoreUnavailableError, "the server is still loading its data", is_temporary=True)
_CLUSTER_DOWN = Verdict(
    StoreUnavailableError,
    "the cluster is down, or no node serves this conversation's slot",
    is_temporary=True,
)
_BUSY = Verdict(StoreUnavailableError, "the server is busy with a long script", is_temporary=True)
_NOT_A_CLUSTER = Verdict(
    StoreSetupError,
    "cluster=True was given, but the server is not part of a cluster; leave cluster=True out",
)
_IS_A_CLUSTER = Verdict(
    StoreSetupError,
    "the server is part of a cluster; open the store with cluster=True, or ?cluster=true",
)
UNKNOWN_SCRIPT = Verdict(StoreUnavailableError, "the server does not know a script")
"""The server lost its scripts, or never had this one: send its source."""

POOL_TIMEOUT = Verdict(
    StoreUnavailableError,
    "all connections are in use; raise max_connections, or make fewer calls at once",
)
"""A call waited too long for a connection."""

# The first match counts. A pattern is the code that begins a reply
# (https://redis.io/docs/latest/develop/reference/protocol-spec/, "Simple errors"), or words of the
# reply: drivers remove some codes, and scripts add words before them.
_VERDICTS: tuple[tuple[str, Verdict], ...] = (
    ("NOSCRIPT", UNKNOWN_SCRIPT),
    (
        "CHATSTORE schema",
        Verdict(SchemaVersionError, "a later version of this package wrote here; upgrade it"),
    ),
    ("CHATSTORE head", _FOREIGN),
    (
        "CHATSTORE parts",
        Verdict(
            CorruptStoreError,
            "the parts of this conversation do not agree: the server lost or evicted some of its "
            "keys, or they were restored from backups of different times; set_messages() and "
            "delete_messages() repair the conversation; use maxmemory-policy noeviction",
        ),
    ),
    (
        "CHATSTORE staged",
        Verdict(
            StoreUnavailableError,
            "a large write took more than 10 minutes; write fewer messages at a time",
        ),
    ),
    ("WRONGTYPE", _FOREIGN),
    ("wrong kind of value", _FOREIGN),
    ("OOM", _FULL),
    ("used memory > 'maxmemory'", _FULL),
    (
        "MISCONF",
        Verdict(
            StoreFullError,
            "the server cannot save its data to disk and refuses writes; see its log",
        ),
    ),
    ("READONLY", _READ_ONLY),
    ("read only replica", _READ_ONLY),
    ("WRONGPASS", _PASSWORD),
    ("invalid username-password", _PASSWORD),
    ("invalid password", _PASSWORD),
    (
        "without any password",
        Verdict(
            StoreAccessError,
            "the server has no password for the default user, but one was given; leave it out, or "
            "name a user: redis://user:password@host",
        ),
    ),
    ("no password is set", Verdict(StoreAccessError, "the server has no password; leave it out")),
    ("NOAUTH", _NO_PASSWORD),
    ("Authentication required", _NO_PASSWORD),
    ("already authenticated", _NO_PASSWORD),  # to HELLO
    # Redis accepts only short commands before the password: a script's is longer.
    ("unauthenticated", _NO_PASSWORD),
    ("NOPERM", _NO_PERMISSION),
    ("no permissions", _NO_PERMISSION),
    ("No permissions", _NO_PERMISSION),
    ("can't access", _NO_PERMISSION),
    ("can't run this command", _NO_PERMISSION),
    (
        "DENIED",
        Verdict(
            StoreAccessError,
            "the server is in protected mode and accepts only local connections; set a password "
            "on the server",
        ),
    ),
    ("LOADING", _LOADING),
    ("loading the dataset", _LOADING),
    (
        "max number of clients",
        Verdict(
            StoreUnavailableError,
            "the server has reached its maximum number of clients; lower max_connections, or raise "
            "the server's maxclients",
            Health.BROKEN,
            is_temporary=True,
        ),
    ),
    ("CLUSTERDOWN", _CLUSTER_DOWN),
    ("cluster is down", _CLUSTER_DOWN),
    ("Hash slot not served", _CLUSTER_DOWN),
    ("slot not covered", _CLUSTER_DOWN),
    (
        "MASTERDOWN",
        Verdict(
            StoreUnavailableError,
            "the server is a replica that lost its primary",
            _OUTDATED,
            is_temporary=True,
        ),
    ),
    (
        "NOREPLICAS",
        Verdict(
            StoreUnavailableError,
            "the server has fewer replicas than min-replicas-to-write",
            is_temporary=True,
        ),
    ),
    ("BUSY", _BUSY),
    ("UNKILLABLE", _BUSY),
    ("MOVED", _IS_A_CLUSTER),
    ("ASK ", _IS_A_CLUSTER),
    ("CROSSSLOT", _IS_A_CLUSTER),
    ("SELECT is not allowed in cluster mode", _IS_A_CLUSTER),
    ("cluster support disabled", _NOT_A_CLUSTER),
    ("Cluster mode is not enabled", _NOT_A_CLUSTER),
    (
        "DB index",
        Verdict(
            StoreSetupError,
            "the server does not have the database that the URL names; see its setting databases",
        ),
    ),
    (
        "TRYAGAIN",
        Verdict(
            StoreUnavailableError, "the cluster is moving this conversation", is_temporary=True
        ),
    ),
    (
        "nknown command",  # "Unknown" or "unknown", depending on the version
        Verdict(
            StoreSetupError,
            "the server does not support a command; this package needs Redis 5 or later with Lua "
            "scripts, or a compatible server",
        ),
    ),
    (
        "nknown Redis command",
        Verdict(StoreSetupError, "the server's Lua scripts do not support a command"),
    ),
)

_REFUSED_COMMAND = re.compile(r"'([a-z]{1,20}(?:\|[a-z]{1,20})?)' command")
_REFUSED_KEY = re.compile(r"access a key|access the|keys used as arguments|can't access")


def judge_reply(reply: str) -> Verdict:
    """Return what an error reply means.

    Args:
        reply: The text, with its code unless the driver removed it.

    """
    for words, verdict in _VERDICTS:
        if words in reply:
            return _name_object(reply) if verdict is _NO_PERMISSION else verdict
    code = reply.partition(" ")[0]
    shown = code if code.isascii() and code.isalpha() and code.isupper() else "ERR"
    return Verdict(StoreUnavailableError, f"the server refused the command ({shown}); see its log")


def lacks_permission(command: str) -> Verdict:
    """Return the verdict on a command that the user may not call."""
    text = f"the user may not call the command {command.upper()}; {_README}"
    return _NO_PERMISSION._replace(text=text)


def _name_object(reply: str) -> Verdict:
    """Name the command or the keys for which the user lacks a permission."""
    command = _REFUSED_COMMAND.search(reply)
    if command is not None:
        return lacks_permission(command[1])
    if _REFUSED_KEY.search(reply):
        text = f"the user may not access the keys of the store's namespace; {_README}"
        return _NO_PERMISSION._replace(text=text)
    return _NO_PERMISSION
