"""The rights that a store needs, read from its statements."""

from __future__ import annotations

import re

from chatstore.postgres import appends, reads, schema, writes
from chatstore.postgres.names import Names, check_name, quoted

_USES = {
    "SELECT": r"(?:FROM|JOIN)\s+{%s}",
    "INSERT": r"INSERT INTO\s+{%s}",
    "UPDATE": r"UPDATE\s+{%s}",
    "DELETE": r"DELETE FROM\s+{%s}",
}


def needed() -> dict[str, list[str]]:
    """Return the rights by table that the statements need once the tables are there."""
    statements = [
        text
        for module in (appends, reads, writes)
        for name, text in vars(module).items()
        if name.isupper() and not name.startswith("_") and isinstance(text, str)
    ]
    statements.append(schema.READ_VERSIONS)
    rights: dict[str, list[str]] = {}
    for word in ("heads", "messages", "calls", "version"):
        rights[word] = [
            right
            for right, pattern in _USES.items()
            if any(_uses(text, right, pattern % word, word) for text in statements)
        ]
    return rights


def _uses(text: str, right: str, pattern: str, word: str) -> bool:
    # Whoever locks rows needs the right to change them.
    locks = right == "UPDATE" and "FOR UPDATE" in text and f"FROM {{{word}}}" in text
    return locks or re.search(pattern, text) is not None


def grants(names: Names, role: str) -> str:
    """Return the statements that give the rights to a role."""
    check_name(role, "role")
    lines = []
    if names.schema is not None:
        lines.append(f"GRANT USAGE ON SCHEMA {quoted(names.schema)} TO {quoted(role)};")
    for word, rights in needed().items():
        table = names.render("{" + word + "}").numbered
        lines.append(f"GRANT {', '.join(rights)} ON {table} TO {quoted(role)};")
    return "\n".join(lines) + "\n"
