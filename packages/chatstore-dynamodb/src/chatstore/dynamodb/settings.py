"""The options of a store, checked."""

from __future__ import annotations

import re
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from chatstore.core import InvalidArgumentError
from chatstore.core.backend import (
    check_flag,
    check_max_connections,
    check_patience,
    check_timeout,
    check_ttl,
    split_url,
)

TIMEOUT = 10.0
BODY = "b"
VERSION = "v"
LAYOUT = (BODY, VERSION)
"""The attributes of the store's items, beside the table's key and the one that its TTL uses."""

# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
_TABLE_NAME = re.compile(r"[A-Za-z0-9_.-]{3,255}")
# A table's ARN can replace its name: arn:aws:dynamodb:REGION:ACCOUNT:table/NAME
_ARN = re.compile(r"arn:[a-z-]+:dynamodb:([a-z0-9-]+):\d{12}:table/[A-Za-z0-9_.-]{3,255}")
_MAX_ATTRIBUTE_BYTES = 255  # of an attribute that is part of a key


class Settings(NamedTuple):
    """The options of a store; `repr` contains no secret.

    Attributes:
        server: How messages and logs name the table.
        table: The table's name or ARN.
        primary_key: The attribute of its partition key.
        ttl_attribute: The attribute that its TTL uses.
        create: Whether the first call creates a missing table.
        ttl: Seconds after its last write until a conversation expires.
        timeout: Seconds to wait for a connection, and for each answer.
        patience: Seconds for which a call is repeated.
        max_connections: The most connections that are kept open.
        region_name: The region; ``None``: as boto3 chooses it.
        profile_name: A profile; ``None``: as boto3 chooses it.
        endpoint_url: The endpoint; ``None``: as boto3 chooses it.
        keys: ``aws_access_key_id`` and so on, as far as they were passed.
        botocore_session: The caller's session.
        config: The caller's ``botocore.config.Config``, which overrides the store's settings.
        client: The caller's client.

    """

    server: str
    table: str
    primary_key: str
    ttl_attribute: str
    create: bool
    ttl: float | None
    timeout: float
    patience: float
    max_connections: int
    region_name: str | None
    profile_name: str | None
    endpoint_url: str | None
    keys: dict[str, str]
    botocore_session: Any
    config: Any
    client: Any

    def __repr__(self) -> str:
        """Return the table's name only."""
        return f"Settings({self.server!r})"


def read_settings(table_name: object, profile_name: object, **options: Any) -> Settings:
    """Check the options of `DynamoDBChatStore`; ``None`` is replaced by the default.

    Raises:
        InvalidArgumentError: An option is not valid.

    """
    table = check_table(table_name)
    region = _check_region(options["region_name"], table)
    endpoint = _check_endpoint(options["endpoint_url"])
    primary_key, ttl_attribute = _check_attributes(
        _default(options["primary_key"], "SessionId"), _default(options["ttl_attribute"], "TTL")
    )
    return Settings(
        server=_server(table, region, endpoint),
        table=table,
        primary_key=primary_key,
        ttl_attribute=ttl_attribute,
        create=check_flag(_default(options["create"], default=True), "create"),
        ttl=check_ttl(_one_of(options, "ttl", "ttl_seconds")),
        timeout=check_timeout(_default(options["timeout"], TIMEOUT)),
        patience=check_patience(_default(options["patience"], 30.0)),
        max_connections=check_max_connections(_default(options["max_connections"], 32)),
        region_name=region,
        profile_name=_check_profile(profile_name),
        endpoint_url=endpoint,
        keys=_check_keys(options),
        botocore_session=_check_session(options["botocore_session"]),
        config=_check_config(_one_of(options, "config", "botocore_config")),
        client=_check_client(options["client"]),
    )


def check_table(name: object) -> str:
    """Return the name of a table, or its ARN.

    Raises:
        InvalidArgumentError: `name` is not a valid table name or ARN.

    """
    if isinstance(name, str) and (_TABLE_NAME.fullmatch(name) or _ARN.fullmatch(name)):
        return name
    shown = repr(name) if isinstance(name, str) and re.fullmatch(r"[\w. -]{0,40}", name) else "this"
    raise InvalidArgumentError(
        f"{shown} is not a table name of 3 to 255 letters, digits, '-', '_' or '.', "
        "nor the ARN of a table"
    )


def _server(table: str, region: str | None, endpoint: str | None) -> str:
    in_region = f" in {region}" if region else ""
    at_host = f" at {urlsplit(endpoint).netloc}" if endpoint else ""
    return f"DynamoDB table {table!r}{in_region}{at_host}"


def _default(value: Any, default: Any) -> Any:
    return default if value is None else value


def _one_of(options: dict[str, Any], name: str, other_name: str) -> Any:
    value, other = options[name], options[other_name]
    if value is not None and other is not None:
        raise InvalidArgumentError(f"{name} and {other_name} are the same option: pass one of them")
    return other if value is None else value


def _check_region(region_name: object, table: str) -> str | None:
    arn = _ARN.fullmatch(table)
    if region_name is None:
        return arn[1] if arn else None
    if not isinstance(region_name, str) or not re.fullmatch(r"[a-z0-9-]{1,63}", region_name):
        raise InvalidArgumentError(
            "region_name must be the name of an AWS region, such as eu-central-1"
        )
    if arn and arn[1] != region_name:
        raise InvalidArgumentError(
            f"the table's ARN is in {arn[1]}, and region_name is {region_name}: leave one out"
        )
    return region_name


def _check_endpoint(endpoint_url: object) -> str | None:
    if endpoint_url is None:
        return None
    example = "https://HOST:PORT"
    parts = split_url(endpoint_url, example)
    extra = parts.username is not None or "@" in parts.netloc or parts.query or parts.fragment
    if parts.scheme not in {"http", "https"} or not parts.hostname or extra:
        raise InvalidArgumentError(
            f"endpoint_url must look like {example}, without user, query or fragment"
        )
    return str(endpoint_url)


def _check_attributes(primary_key: object, ttl_attribute: object) -> tuple[str, str]:
    names = (
        _check_attribute(primary_key, "primary_key"),
        _check_attribute(ttl_attribute, "ttl_attribute"),
    )
    if names[0] == names[1]:
        raise InvalidArgumentError(
            f"primary_key and ttl_attribute must differ, both are {names[0]!r}"
        )
    return names


def _check_attribute(name: object, option: str) -> str:
    if not isinstance(name, str) or not 0 < len(_utf8(name)) <= _MAX_ATTRIBUTE_BYTES:
        raise InvalidArgumentError(
            f"{option} must be the name of an attribute, of 1 to {_MAX_ATTRIBUTE_BYTES} bytes"
        )
    if name in LAYOUT:
        raise InvalidArgumentError(
            f"{option} must not be {name!r}: the store's items have their own attributes of the "
            f"names {' and '.join(map(repr, LAYOUT))}; use a table whose key has another name"
        )
    return name


def _utf8(text: str) -> bytes:
    return text.encode(errors="ignore")


def _check_profile(profile_name: object) -> str | None:
    if profile_name is not None and (not isinstance(profile_name, str) or not profile_name):
        raise InvalidArgumentError(
            "profile_name must be the name of a profile in boto3's configuration"
        )
    return profile_name


def _check_client(client: object) -> Any:
    if client is None:
        return None
    if hasattr(type(client), "__aenter__"):
        raise InvalidArgumentError(
            "client is an async client or context manager (aioboto3, aiobotocore); pass a sync "
            "one, boto3.client('dynamodb'): async methods run it on threads"
        )
    if not callable(getattr(client, "transact_write_items", None)):
        kind = "a resource or table; pass its meta.client" if hasattr(client, "meta") else "that"
        raise InvalidArgumentError(
            f"client must be boto3.client('dynamodb'), not {kind} ({type(client).__name__})"
        )
    return client


def _check_session(session: object) -> Any:
    if session is None:
        return None
    is_async = any(kind.__module__.startswith("aiobotocore") for kind in type(session).__mro__)
    if is_async or not callable(getattr(session, "get_config_variable", None)):
        kind = "an async one" if is_async else type(session).__name__
        raise InvalidArgumentError(
            f"botocore_session must be a sync botocore.session.Session, not {kind}"
        )
    return session


def _check_config(config: object) -> Any:
    if config is not None and not callable(getattr(config, "merge", None)):
        raise InvalidArgumentError(
            f"config must be a botocore.config.Config, not {type(config).__name__}"
        )
    return config


def _check_keys(options: dict[str, Any]) -> dict[str, str]:
    keys: dict[str, str] = {}
    for name in ("aws_access_key_id", "aws_secret_access_key", "aws_session_token"):
        value = options[name]
        if value is None:
            continue
        if not isinstance(value, str) or not value:
            raise InvalidArgumentError(
                f"{name} must be a string that is not empty, not {type(value).__name__}"
            )
        keys[name] = value
    if keys and not {"aws_access_key_id", "aws_secret_access_key"} <= keys.keys():
        raise InvalidArgumentError(
            "aws_access_key_id and aws_secret_access_key must be given together"
        )
    return keys
