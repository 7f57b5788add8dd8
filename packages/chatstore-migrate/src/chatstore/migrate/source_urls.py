"""``open_source``: open what `migrate` reads, by a URL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

from chatstore.core import ChatStore, ChatStoreError, InvalidArgumentError, open_store
from chatstore.migrate.sources import Source

# The URL's prefix: the module, and the function for each scheme.
_FUNCTIONS = {
    "langchain": (
        "langchain",
        {
            "file": "from_file",
            "sqlite": "from_sql",
            "postgresql": "from_postgres",
            "redis": "from_redis",
            "rediss": "from_redis",
            "dynamodb": "from_dynamodb",
        },
    ),
    "langchain-sql": ("langchain", {"sqlite": "from_sql", "postgresql": "from_sql"}),
    "llama-index": (
        "llama_index",
        {
            "file": "from_json",
            "sqlite": "from_sqlite",
            "postgresql": "from_postgres",
            "redis": "from_redis",
            "rediss": "from_redis",
            "dynamodb": "from_dynamodb",
        },
    ),
    "llama-index-memory": (
        "llama_index",
        {"sqlite": "from_memory", "postgresql": "from_memory"},
    ),
}
_DRIVERS = {"sqlalchemy", "sqlite3", "psycopg", "redis", "boto3", "botocore"}


@contextmanager
def open_source(
    url: str, open_store: Callable[[str], ChatStore] = open_store
) -> Iterator[Source | ChatStore]:
    """Open a store, or another library's store.

    A store's URL is that of `open_store`. Another library's is the name of the library, ``+`` and
    the address of its database; behind the ``?`` are parameters of the function that reads it:

    - ``langchain+file:///chat.json``, ``langchain+sqlite:///memory.db``,
      ``langchain+redis://localhost:6379?key_prefix=chat:``, ``langchain+dynamodb://table``,
      ``langchain+postgresql://user@host/database?table_name=chat_history``;
    - ``langchain-sql+postgresql://…``, where a ``SQLChatMessageHistory`` is in Postgres;
    - ``llama-index+…`` with the same addresses;
    - ``llama-index-memory+sqlite:///memory.db``, the SQL store of LlamaIndex's ``Memory``.

    DynamoDB takes region, credentials and endpoint from the environment, as boto3 does.

    Args:
        url: The URL.
        open_store: Opens a store by its URL.

    Raises:
        InvalidArgumentError: The URL is not valid, or a package is missing.
        ChatStoreError: The store cannot be opened; within the block, it cannot be read.

    """
    name, _, address = url.partition("+")
    if name not in _FUNCTIONS:
        with open_store(url) as store:
            yield store
        return
    client, source = _open(name, address)
    try:
        yield source
    except Exception as error:
        if type(error).__module__.partition(".")[0] not in _DRIVERS:
            raise
        failure = ChatStoreError(
            f"{name}+{address.partition(':')[0]}: {type(error).__name__}; check the address and "
            "the names in the URL"
        )
    else:
        return
    finally:
        client.close()
    raise failure  # not in the handler: the driver's text may contain secrets


class _Client(NamedTuple):
    """What a function of `chatstore.migrate.langchain` or ``llama_index`` reads with.

    Attributes:
        value: A client, or a path.
        close: Closes it.

    """

    value: Any
    close: Callable[[], object]


def _open(name: str, address: str) -> tuple[_Client, Source]:
    module_name, functions = _FUNCTIONS[name]
    bare, _, query = address.partition("?")
    scheme = bare.partition(":")[0].lower()
    if scheme not in functions:
        known = ", ".join(f"{name}+{one}://" for one in functions)
        raise InvalidArgumentError(f"{name}+{scheme[:20]}:// is not known; known: {known}")
    try:
        module = import_module(f"chatstore.migrate.{module_name}")
        client = _client(scheme, bare)
    except ModuleNotFoundError as error:
        message = f"{error.name} is missing: pip install {error.name}"
    except ImportError as error:
        message = str(error)  # it says what to install
    else:
        return client, _read(getattr(module, functions[scheme]), client, query)
    raise InvalidArgumentError(message)


def _client(scheme: str, address: str) -> _Client:
    try:
        return _CLIENTS[scheme](address)
    except ImportError:
        raise
    except Exception as error:  # noqa: BLE001 - each driver has its own errors
        reason = type(error).__name__
    # Not in the handler: the driver's text may contain secrets.
    raise InvalidArgumentError(f"{scheme}: {reason}; check the address in the URL")


def _read(function: Callable[..., Source], client: _Client, query: str) -> Source:
    parameters = dict(parse_qsl(query))
    try:
        return function(client.value, **parameters)
    except TypeError:
        client.close()
    raise InvalidArgumentError(
        f"the parameters of the URL do not fit {function.__module__}.{function.__name__}: "
        f"{', '.join(parameters) or 'one is missing'}"
    )


def _path(address: str) -> _Client:
    parts = urlsplit(address)
    return _Client(unquote(parts.netloc + parts.path), lambda: None)


def _engine(address: str) -> _Client:
    import sqlalchemy

    engine = sqlalchemy.create_engine(address.replace("postgresql:", "postgresql+psycopg:", 1))
    return _Client(engine, engine.dispose)


def _redis(address: str) -> _Client:
    import redis

    client = redis.Redis.from_url(address)
    return _Client(client, client.close)


def _dynamodb(address: str) -> _Client:
    import boto3

    resource: Any = boto3.resource("dynamodb")
    return _Client(resource.Table(urlsplit(address).netloc), resource.meta.client.close)


_CLIENTS: dict[str, Callable[[str], _Client]] = {
    "file": _path,
    "sqlite": _engine,
    "postgresql": _engine,
    "redis": _redis,
    "rediss": _redis,
    "dynamodb": _dynamodb,
}
