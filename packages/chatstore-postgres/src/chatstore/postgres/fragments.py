"""What several statements have in common."""

from __future__ import annotations

_FRAGMENTS = {
    "{alive}": "(c.expires_at IS NULL OR c.expires_at > statement_timestamp())",
    # A head never returns to a state that it had: an identity never comes again, next_position
    # only grows, and between two growths length only falls.
    "{guard}": (
        "c.id = seen.id AND c.next_position = seen.next_position AND c.length = seen.length"
    ),
    "{expiry}": "clock_timestamp() + make_interval(secs => $2::float8)",
    # The time is one that does not move during the statement: an index can be used with it.
    "{expired}": (
        "($2::float8 IS NOT NULL AND EXISTS "
        "(SELECT FROM {heads} WHERE expires_at <= statement_timestamp()))"
    ),
    "{old_call}": "EXISTS (SELECT FROM {calls} WHERE expires_at <= statement_timestamp())",
    # Longer than any call is tried again, by far.
    "{call_expiry}": "clock_timestamp() + interval '1 hour'",
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
