"""The tables: numbered migrations, and the plan that applies those that are missing."""

from __future__ import annotations

from chatstore.core.backend import Plan, call
from chatstore.postgres.names import Names
from chatstore.postgres.tables import TABLES, Found, describe

_MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        # A key is bytes, since text refuses NUL; it is null once the conversation is only there
        # to be reclaimed. Room in the pages lets Postgres change heads in place, and an identity
        # never comes again.
        """CREATE TABLE {heads} (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key bytea UNIQUE,
    epoch bigint NOT NULL,
    next_position bigint NOT NULL,
    length bigint NOT NULL,
    expires_at timestamptz
) WITH (fillfactor = 50)""",
        "CREATE INDEX {expiring} ON {heads} (expires_at) WHERE expires_at IS NOT NULL",
        # Text and not jsonb: jsonb refuses NUL and changes numbers. The hash proves that a body
        # is as it was written, so that a message can be removed unread. The request is the call
        # that appended the message; a set is found among the calls instead.
        """CREATE TABLE {messages} (
    conversation bigint NOT NULL,
    position bigint NOT NULL,
    message_id bytea NOT NULL,
    body_hash bigint NOT NULL,
    request bigint,
    body text COLLATE "C" NOT NULL,
    PRIMARY KEY (conversation, position),
    UNIQUE (conversation, message_id)
)""",
        # What recent calls did, so that one whose reply was lost finds its own effect: a removal
        # by its id, an append among the requests whose messages others have removed since.
        """CREATE TABLE {calls} (
    id uuid PRIMARY KEY,
    expires_at timestamptz NOT NULL,
    key_hash bytea NOT NULL,
    requests bigint[],
    position bigint,
    body text COLLATE "C"
)""",
        "CREATE INDEX {old_calls} ON {calls} (expires_at)",
        "CREATE INDEX {removals} ON {calls} (key_hash) WHERE requests IS NOT NULL",
    ),
)
VERSION = len(_MIGRATIONS)

# The identity tells whether two connections lead to the same database.
_VERSION_TABLE = """CREATE TABLE IF NOT EXISTS {version} (
    version integer PRIMARY KEY,
    identity uuid NOT NULL DEFAULT gen_random_uuid(),
    applied_at timestamptz NOT NULL DEFAULT now()
)"""
_RECORD = "INSERT INTO {version} (version) VALUES (%d)"
READ_VERSIONS = "SELECT version, identity FROM {version} ORDER BY version"


def ddl(names: Names) -> str:
    """Return the statements that make all tables in an empty database, as SQL text."""
    templates = [] if names.schema is None else ["CREATE SCHEMA IF NOT EXISTS {schema}"]
    templates += [_VERSION_TABLE, *_missing(0)]
    statements = [f"{names.render(template).numbered};\n" for template in templates]
    return "\n".join(["BEGIN;\n", *statements, "COMMIT;\n"])


def check(names: Names) -> Plan[Found]:
    """Return what is found of the tables, without changing anything."""
    wanted = [names.render("{" + word + "}").numbered for word in TABLES]
    sql = names.render(describe())
    rows = yield from call(lambda client: client.fetch_unchecked(sql, wanted))
    found = Found(rows, VERSION)
    if found.has_versions:
        read = names.render(READ_VERSIONS)
        found.read_versions((yield from call(lambda client: client.fetch_unchecked(read))))
    return found


def migrate(names: Names) -> Plan[None]:
    """Make the tables, in one transaction that one process at a time is in."""
    lock = names.render("SELECT pg_advisory_xact_lock(hashtextextended($1::text, 0))")
    yield from call(lambda session: session.fetch(lock, names.version_table))
    if names.schema is not None:
        # Even IF NOT EXISTS needs the right to make schemas, so it is not said where one exists.
        look = names.render("SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = $1::text")
        exists = yield from call(lambda session: session.fetch(look, names.schema))
        if not exists:
            yield from _execute(names, "CREATE SCHEMA IF NOT EXISTS {schema}")
    yield from _execute(names, _VERSION_TABLE)
    read = names.render(READ_VERSIONS)
    versions = yield from call(lambda session: session.fetch(read))
    for template in _missing(max([row[0] for row in versions], default=0)):
        yield from _execute(names, template)


def _missing(applied: int) -> list[str]:
    templates = []
    for number in range(applied + 1, VERSION + 1):
        templates += [*_MIGRATIONS[number - 1], _RECORD % number]
    return templates


def _execute(names: Names, template: str) -> Plan[None]:
    sql = names.render(template)
    yield from call(lambda session: session.fetch(sql))
