"""The tables: numbered migrations, and the plan that applies those that are missing."""

from __future__ import annotations

from chatstore.core import CorruptStoreError, SchemaVersionError
from chatstore.core.plans import Plan, call
from chatstore.postgres.errors import is_missing_table
from chatstore.postgres.names import Names

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
        # is as it was written, so that a message can be removed unread.
        """CREATE TABLE {messages} (
    conversation bigint NOT NULL,
    position bigint NOT NULL,
    message_id bytea NOT NULL,
    body_hash bigint NOT NULL,
    body text COLLATE "C" NOT NULL,
    PRIMARY KEY (conversation, position),
    UNIQUE (conversation, message_id)
)""",
        # What recent calls did, so that one whose reply was lost finds its own effect.
        """CREATE TABLE {calls} (
    id uuid PRIMARY KEY,
    expires_at timestamptz NOT NULL,
    position bigint,
    body text COLLATE "C"
)""",
        "CREATE INDEX {old_calls} ON {calls} (expires_at)",
    ),
)
VERSION = len(_MIGRATIONS)

_VERSION_TABLE = """CREATE TABLE IF NOT EXISTS {version} (
    version integer PRIMARY KEY,
    applied_at timestamptz NOT NULL DEFAULT now()
)"""
_RECORD = "INSERT INTO {version} (version) VALUES (%d)"
_READ = "SELECT max(version) FROM {version}"


def ddl(names: Names) -> str:
    """Return the statements that make all tables in an empty database, as SQL text."""
    templates = [] if names.schema is None else ["CREATE SCHEMA IF NOT EXISTS {schema}"]
    templates.append(_VERSION_TABLE)
    for number, migration in enumerate(_MIGRATIONS, 1):
        templates += [*migration, _RECORD % number]
    statements = [f"{names.render(template).numbered};\n" for template in templates]
    return "\n".join(["BEGIN;\n", *statements, "COMMIT;\n"])


def check(names: Names) -> Plan[bool]:
    """Return whether the tables are as this version of the package needs them.

    Raises:
        SchemaVersionError: A later version of this package made them.

    """
    sql = names.render(_READ)
    try:
        rows = yield from call(lambda client: client.fetch(sql))
    except Exception as error:
        if is_missing_table(error):
            return False
        raise
    return _found(rows[0][0]) == VERSION


def require(names: Names) -> Plan[None]:
    """Raise where the tables are missing or old and must not be made."""
    if not (yield from check(names)):
        message = "the tables of this store are missing or old: call setup(), or run ddl()"
        raise CorruptStoreError(message)


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
    read = names.render(_READ)
    rows = yield from call(lambda session: session.fetch(read))
    for number in range(_found(rows[0][0]) + 1, VERSION + 1):
        for template in _MIGRATIONS[number - 1]:
            yield from _execute(names, template)
        yield from _execute(names, _RECORD % number)


def _execute(names: Names, template: str) -> Plan[None]:
    sql = names.render(template)
    yield from call(lambda session: session.fetch(sql))


def _found(version: int | None) -> int:
    if version is not None and version > VERSION:
        message = f"the tables have schema version {version}, this package knows {VERSION}"
        raise SchemaVersionError(message)
    return version or 0
