"""What several statements have in common."""

from __future__ import annotations

from chatstore.postgres.retrying import MEMORY_SECONDS

_FRAGMENTS = {
    "{alive}": "(c.expires_at IS NULL OR c.expires_at > statement_timestamp())",
    # A head never returns to a state that it had: an identity never comes again, next_position
    # only grows, and between two growths length only falls. The key is gone once it is buried.
    "{guard}": (
        "c.key = $1::bytea AND c.id = seen.id AND c.next_position = seen.next_position "
        "AND c.length = seen.length"
    ),
    "{expiry}": "clock_timestamp() + make_interval(secs => $2::float8)",
    # The time is one that does not move during the statement: an index can be used with it.
    "{expired}": (
        "($2::float8 IS NOT NULL AND EXISTS "
        "(SELECT FROM {heads} WHERE expires_at <= statement_timestamp()))"
    ),
    "{old_call}": "EXISTS (SELECT FROM {calls} WHERE expires_at <= statement_timestamp())",
    "{call_expiry}": f"clock_timestamp() + interval '{MEMORY_SECONDS} seconds'",
    # Each once: a large append is many messages of one request.
    "{removed}": ("(SELECT array_agg(DISTINCT request) FROM dropped WHERE request IS NOT NULL)"),
    # Of the key's bytes only a hash is kept with calls: keys often name users.
    "{key_hash}": "substring(sha256($1::bytea) for 16)",
}


def given(ids: str, bodies: str) -> str:
    """Return rows of an id, a body and its place, counted from 1, of two parameters.

    Bodies are lines of a text: drivers quote each element of an array of texts, and the server
    reads it character by character, which took most of a large write.
    """
    return f"unnest({ids}::bytea[], string_to_array({bodies}::text, chr(10))) WITH ORDINALITY"


def filled(template: str) -> str:
    """Return a template of a statement with its fragments put in."""
    for word, fragment in _FRAGMENTS.items():
        template = template.replace(word, fragment)
    return template
