"""Templates of statements: names of tables and shared fragments are filled in, for both drivers."""

from __future__ import annotations

import re
from functools import cache
from typing import Any, NamedTuple

from chatstore.core import InvalidArgumentError

MAX_NAME_BYTES = 63
"""https://www.postgresql.org/docs/current/limits.html: identifier length; the rest is cut off."""
RETENTION_SECONDS = 600
"""How long the database remembers what a request did."""

Rows = list[Any]

_TABLES = {
    "conversations": "_conversations",
    "messages": "_messages",
    "requests": "_requests",
    "version": "_schema",
}
_INDEXES = {
    "expiring": "_expiring",
    "old_requests": "_old_requests",
    "removals": "_removals",
    "owned": "_owned",
}
_LONGEST_SUFFIX = max(map(len, [*_TABLES.values(), *_INDEXES.values()]))

# What several statements have in common. $1 is the key, $2 the time to live in seconds; `c` is a
# row of conversations, `seen` that row as the statement first saw it.
_FRAGMENTS = {
    "alive": "(c.expires_at IS NULL OR c.expires_at > statement_timestamp())",
    # A row never returns to an earlier state: each write gives it a new revision. An expired row
    # may lose its key.
    "unchanged": "c.key = $1::bytea AND c.id = seen.id AND c.revision = seen.revision",
    "outlasts": (
        "(c.is_created OR c.owner IS NOT NULL OR c.title IS NOT NULL OR c.metadata IS NOT NULL)"
    ),
    # The later one of two writes has the later time, even if the clock is set back.
    "times": (
        "expires_at = clock_timestamp() + make_interval(secs => $2::float8), "
        "updated_at = greatest(clock_timestamp(), c.updated_at)"
    ),
    "conversation": (
        "c.owner, c.title, c.metadata, c.is_created, extract(epoch FROM c.created_at)::float8, "
        "extract(epoch FROM c.updated_at)::float8, extract(epoch FROM c.expires_at)::float8, "
        "c.length, c.revision"
    ),
    "effect": (
        "ARRAY[extract(epoch FROM c.created_at)::float8, "
        "extract(epoch FROM c.updated_at)::float8, extract(epoch FROM c.expires_at)::float8, "
        "c.length::float8]"
    ),
    "expiry": "clock_timestamp() + make_interval(secs => $2::float8)",
    # This time is constant during the statement, so an index can be used with it.
    "has_expired": (
        "($2::float8 IS NOT NULL AND EXISTS "
        "(SELECT FROM {conversations} WHERE expires_at <= statement_timestamp()))"
    ),
    "has_old_request": (
        "EXISTS (SELECT FROM {requests} WHERE expires_at <= statement_timestamp())"
    ),
    "request_expiry": f"clock_timestamp() + interval '{RETENTION_SECONDS} seconds'",
    # Each id once: a large append is one request with many messages.
    "dropped_requests": (
        "(SELECT array_agg(DISTINCT request_id) FROM dropped WHERE request_id IS NOT NULL)"
    ),
    # Only a hash of the key is stored with requests: keys often name users.
    "key_hash": "substring(sha256($1::bytea) for 16)",
}


class Sql(NamedTuple):
    """One statement, as the server takes it (``$1``) and for callers' psycopg (``%(p1)s``)."""

    numbered: str
    named: str


class TableNames:
    """The quoted names of one store's tables, and the statements that use them.

    Attributes:
        table: The beginning of the tables' names, unquoted.
        schema: The schema, unquoted; ``None``: the first one of the connection's search path.
        where: Where the tables are, for messages.

    """

    def __init__(self, table: object, schema: object) -> None:
        """Check and quote the names.

        Raises:
            InvalidArgumentError: A name is empty, is too long for Postgres, or contains a NUL.

        """
        check_name(table, "table_name", MAX_NAME_BYTES - _LONGEST_SUFFIX)
        if schema is not None:
            check_name(schema, "schema_name", MAX_NAME_BYTES)
        self.table = str(table)
        self.schema = None if schema is None else str(schema)
        self.where = "the search path" if schema is None else f"schema {schema}"
        prefix = "" if schema is None else f"{quoted(str(schema))}."
        names = {word: prefix + quoted(f"{table}{suffix}") for word, suffix in _TABLES.items()}
        names |= {word: quoted(f"{table}{suffix}") for word, suffix in _INDEXES.items()}
        names["schema"] = "" if schema is None else quoted(str(schema))
        self._names = names
        escaped = {word: name.replace("%", "%%") for word, name in names.items()}
        self._words = names | {
            word: fragment.format(**names) for word, fragment in _FRAGMENTS.items()
        }
        self._escaped_words = escaped | {
            word: _with_named_parameters(fragment).format(**escaped)
            for word, fragment in _FRAGMENTS.items()
        }
        self.render = cache(self._render)

    def quoted_name(self, word: str) -> str:
        """Return the quoted name of a table, by its word in templates."""
        return self._names[word]

    def _render(self, template: str) -> Sql:
        """Return a template that has ``$1`` for parameters and ``{messages}`` for names."""
        return Sql(
            template.format(**self._words),
            _with_named_parameters(template).format(**self._escaped_words),
        )


def _with_named_parameters(template: str) -> str:
    return re.sub(r"\$(\d+)", r"%(p\1)s", template.replace("%", "%%"))


def quoted(name: str) -> str:
    """Return an identifier as SQL."""
    return '"' + name.replace('"', '""') + '"'


def check_name(name: object, argument: str, most: int = MAX_NAME_BYTES) -> None:
    """Check an identifier.

    Raises:
        InvalidArgumentError: It is empty, is too long for Postgres, or contains a NUL.

    """
    if not isinstance(name, str) or not name or "\0" in name:
        raise InvalidArgumentError(f"{argument} must be a non-empty string without NUL")
    try:
        size = len(name.encode())
    except UnicodeEncodeError as error:
        raise InvalidArgumentError(f"{argument} contains a lone surrogate") from error
    if size > most:
        raise InvalidArgumentError(
            f"{argument} may have at most {most} bytes in UTF-8, this one has {size}"
        )
