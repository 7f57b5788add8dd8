"""Names of tables, and statements in the parameter styles of both drivers."""

from __future__ import annotations

import re
from functools import cache
from typing import Any, NamedTuple

from chatstore.core import InvalidArgumentError

MAX_NAME_BYTES = 63
"""https://www.postgresql.org/docs/current/limits.html: identifier length; longer is cut off."""

_SUFFIXES = {
    "heads": "_conversations",
    "messages": "_messages",
    "calls": "_calls",
    "version": "_schema",
}
_INDEXES = {"expiring": "_expiring", "old_calls": "_old_calls", "removals": "_removals"}
_LONGEST_SUFFIX = max(map(len, [*_SUFFIXES.values(), *_INDEXES.values()]))


Rows = list[Any]


class Sql(NamedTuple):
    """One statement, as the server has it (``$1``) and for callers' psycopg (``%(p1)s``)."""

    numbered: str
    named: str


class Names:
    """The tables of one store, by quoted names that no character can break out of."""

    def __init__(self, table: object, schema: object) -> None:
        """Check and quote the names.

        Args:
            table: What the names of all tables begin with.
            schema: The schema they stand in; ``None``: the first of the connection's search path.

        Raises:
            InvalidArgumentError: A name is empty, too long for Postgres, or holds a NUL.

        """
        check_name(table, "table_name", MAX_NAME_BYTES - _LONGEST_SUFFIX)
        if schema is not None:
            check_name(schema, "schema_name", MAX_NAME_BYTES)
        self.table = str(table)
        self.schema = None if schema is None else str(schema)
        self.where = "the search path" if schema is None else f"schema {schema}"
        prefix = "" if schema is None else f"{quoted(str(schema))}."
        self._words = {
            word: prefix + quoted(f"{table}{suffix}") for word, suffix in _SUFFIXES.items()
        }
        self._words |= {word: quoted(f"{table}{suffix}") for word, suffix in _INDEXES.items()}
        self._words["schema"] = "" if schema is None else quoted(str(schema))
        self.version_table = self._words["version"]
        self.render = cache(self._render)

    def _render(self, template: str) -> Sql:
        """Return a template that has ``$1`` for parameters and ``{heads}`` for names."""
        named = re.sub(r"\$(\d+)", r"%(p\1)s", template.replace("%", "%%"))
        doubled = {word: name.replace("%", "%%") for word, name in self._words.items()}
        return Sql(template.format(**self._words), named.format(**doubled))


def quoted(name: str) -> str:
    """Return an identifier as SQL."""
    return '"' + name.replace('"', '""') + '"'


def check_name(name: object, argument: str, most: int = MAX_NAME_BYTES) -> None:
    """Check an identifier.

    Raises:
        InvalidArgumentError: It is empty, too long for Postgres, or holds a NUL.

    """
    if not isinstance(name, str) or not name or "\0" in name:
        raise InvalidArgumentError(f"{argument} must be a string, not empty, without NUL")
    try:
        size = len(name.encode())
    except UnicodeEncodeError as error:
        raise InvalidArgumentError(f"{argument} holds a lone surrogate") from error
    if size > most:
        raise InvalidArgumentError(
            f"{argument} may have {most} bytes in UTF-8, this one has {size}"
        )
