"""Checks the account and the container before a store's first request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chatstore.core import InvalidArgumentError, StoreSetupError
from chatstore.core.backend import Plan, call
from chatstore.cosmos.container import OWNED, PARTITION_KEY, PARTITION_KEY_V2, Container

_STRONG_ENOUGH = frozenset({"Strong", "BoundedStaleness", "Session"})


def prepare(server: str, *, create: bool) -> Plan[Container, None]:
    """Check the account and the container; create what is missing.

    Args:
        server: The container, for messages.
        create: Create a missing database and container.

    Raises:
        InvalidArgumentError: The caller's async client was not entered.
        StoreSetupError: The account's consistency is too weak; or the container is missing and
            ``create`` is false; or it has another partition key, or not the index that it needs.

    """
    yield from _check_account(server)
    properties = yield from _read_properties()
    if properties is None:
        if not create:
            raise StoreSetupError(
                f"{server}: there is no such database or container: create them with setup() or "
                f"with create=True, or yourself with the partition key /{PARTITION_KEY}, as the "
                "README shows; or check database= and container="
            )
        yield from _create()
        properties = yield from call(Container.read_properties)
    problem = _problem_of(properties)
    if problem is not None:
        raise StoreSetupError(
            f"{server}: {problem}: use another container, or create one as the README shows"
        )
    yield from call(_set_ready)


def _check_account(server: str) -> Plan[Container, None]:
    account = yield from call(Container.read_account)
    level = (account.ConsistencyPolicy or {}).get("defaultConsistencyLevel")
    if level not in _STRONG_ENOUGH:
        raise StoreSetupError(
            f"{server}: expected an account of consistency Session, BoundedStaleness or Strong, "
            f"found {level}, with which clients may not see their own writes: change the "
            "account's default consistency"
        )
    has_session = yield from call(_has_session)
    if level == "Session" and not has_session:
        raise InvalidArgumentError(
            "async_client must be entered with `async with` before a store uses it"
        )


def _read_properties() -> Plan[Container, Mapping[str, Any] | None]:
    from azure.cosmos.exceptions import CosmosResourceNotFoundError

    try:
        return (yield from call(Container.read_properties))
    except CosmosResourceNotFoundError:
        return None


def _create() -> Plan[Container, None]:
    """Create what is missing; other clients may do the same at the same time."""
    from azure.cosmos.exceptions import CosmosResourceExistsError

    for step in (Container.create_database, Container.create):
        try:
            yield from call(step)
        except CosmosResourceExistsError:
            continue


def _problem_of(properties: Mapping[str, Any]) -> str | None:
    key = properties.get("partitionKey", {})
    paths, version = key.get("paths"), key.get("version", 1)
    if paths != [f"/{PARTITION_KEY}"] or version < PARTITION_KEY_V2:
        return (
            f"expected a container with the partition key /{PARTITION_KEY} of version "
            f"{PARTITION_KEY_V2}, found {', '.join(map(str, paths or ['no key']))} of version "
            f"{version}"
        )
    policy = properties.get("indexingPolicy", {})
    if policy.get("indexingMode") == "none":
        return "expected a container with an index, found the indexing mode 'none'"
    paths = {path.get("path") for path in policy.get("includedPaths", ())}
    if not paths & {"/*", f"/{OWNED}/*", f"/{OWNED}/?"}:
        return f"expected an index of /{OWNED}/?, which lists owners' conversations, found none"
    return None


def _has_session(container: Container) -> bool:
    return container.session is not None


def _set_ready(container: Container) -> None:
    container.is_ready = True
