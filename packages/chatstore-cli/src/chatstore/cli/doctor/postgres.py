"""What can be examined on a Postgres server, through the store's own connection."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from chatstore.cli.doctor.findings import Finding, fail, guarded, ok, warn
from chatstore.cli.doctor.hosts import encryption

if TYPE_CHECKING:
    from chatstore.core import ChatStore
    from chatstore.core.backend import Backend, Plan

_MANY = 0.8  # of max_connections
_QUERY = """
SELECT current_setting('server_version'),
       current_setting('server_encoding'),
       pg_is_in_recovery(),
       current_setting('synchronous_commit'),
       current_setting('max_connections')::int,
       (SELECT count(*)::int FROM pg_stat_activity),
       coalesce((SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()), false),
       current_setting('autovacuum')
"""


def examine(store: ChatStore, url: str) -> Iterator[Finding]:
    """Yield findings."""
    yield from guarded("server", lambda: _findings(store, url))


def _findings(store: ChatStore, url: str) -> Iterator[Finding]:
    [row] = store.run("doctor", _query)
    version, encoding, in_recovery, commit, most, used, encrypted, autovacuum = row
    if in_recovery:
        yield fail("server", f"Postgres {version} is a standby", "use the address of the primary")
    else:
        yield ok("server", f"Postgres {version}; the tables have this package's schema version")
    if encoding == "UTF8":
        yield ok("server encoding", "UTF8")
    else:
        yield fail("server encoding", str(encoding), "create the database with ENCODING 'UTF8'")
    yield encryption(url, encrypted=encrypted, advice="add sslmode=verify-full to the URL")
    yield _durability(commit)
    yield _connections(used, most)
    if autovacuum != "on":
        yield warn("autovacuum", "off: deleted messages keep their space", "turn autovacuum on")


def _durability(commit: str) -> Finding:
    if commit == "off":
        return warn(
            "durability",
            "synchronous_commit is off: a crash loses the last writes",
            "turn synchronous_commit on for this role or database",
        )
    return ok("durability", f"synchronous_commit is {commit}")


def _connections(used: int, most: int) -> Finding:
    message = f"{used:,} of {most:,} are in use"
    if used > _MANY * most:
        return warn("connections", message, "raise max_connections, or use a pooler")
    return ok("connections", message)


def _query(_: Backend[Any]) -> Plan[Any, Any]:
    from chatstore.core.backend import call
    from chatstore.postgres.sql.rendering import Sql

    return call(lambda client: client.fetch_unchecked(Sql(_QUERY, _QUERY)))
