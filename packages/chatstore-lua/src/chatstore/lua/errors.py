"""The errors of a Redis server as ours, by the words its replies begin with."""

from __future__ import annotations

from chatstore.core import (
    ChatStoreError,
    CorruptStoreError,
    SchemaVersionError,
    StoreAccessError,
    StoreFullError,
    StoreUnavailableError,
)

# What begins a reply (https://redis.io/docs/latest/develop/reference/protocol-spec/, "Simple
# errors"), or stands in it: some drivers take the first word away. No reply is quoted, since
# Redis repeats parts of commands.
_KINDS: tuple[tuple[str, type[ChatStoreError], str], ...] = (
    ("CHATSTORE schema", SchemaVersionError, "a later version of this package wrote here"),
    ("CHATSTORE head", CorruptStoreError, "one of the store's keys holds something else"),
    ("CHATSTORE staged", StoreUnavailableError, "a large write took too long"),
    ("WRONGTYPE", CorruptStoreError, "one of the store's keys holds something else"),
    ("wrong kind of value", CorruptStoreError, "one of the store's keys holds something else"),
    ("OOM", StoreFullError, "the server has no memory left"),
    ("used memory > 'maxmemory'", StoreFullError, "the server has no memory left"),
    ("MISCONF", StoreFullError, "the server cannot save to its disk"),
    ("READONLY", StoreAccessError, "the server is read-only"),
    ("read only replica", StoreAccessError, "the server is read-only"),
    ("WRONGPASS", StoreAccessError, "the password is refused"),
    ("invalid username-password", StoreAccessError, "the password is refused"),
    ("invalid password", StoreAccessError, "the password is refused"),
    ("NOAUTH", StoreAccessError, "a password is needed"),
    ("Authentication required", StoreAccessError, "a password is needed"),
    ("NOPERM", StoreAccessError, "the user lacks a permission"),
    ("no permissions", StoreAccessError, "the user lacks a permission"),
    ("can't access", StoreAccessError, "the user lacks a permission"),
    ("can't run this command", StoreAccessError, "the user lacks a permission"),
    ("LOADING", StoreUnavailableError, "the server is loading its data"),
    ("loading the dataset", StoreUnavailableError, "the server is loading its data"),
    ("CLUSTERDOWN", StoreUnavailableError, "the cluster is down"),
    ("cluster is down", StoreUnavailableError, "the cluster is down"),
    ("Hash slot not served", StoreUnavailableError, "the cluster is down"),
    ("MASTERDOWN", StoreUnavailableError, "the server has lost its master"),
    ("NOREPLICAS", StoreUnavailableError, "the server has too few replicas"),
    ("BUSY", StoreUnavailableError, "the server is busy with a script"),
    ("MOVED", StoreUnavailableError, "the server is part of a cluster: use a cluster client"),
    ("TRYAGAIN", StoreUnavailableError, "the cluster is moving this conversation"),
)


def translate_reply(reply: str) -> tuple[type[ChatStoreError], str]:
    """Return the kind of our error for an error reply, and what to say."""
    for words, kind, text in _KINDS:
        if words in reply:
            return kind, text
    code = reply.partition(" ")[0]
    return StoreUnavailableError, f"an error of Redis ({code if code.isalpha() else 'ERR'})"
