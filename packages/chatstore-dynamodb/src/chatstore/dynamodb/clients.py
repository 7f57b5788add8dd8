"""boto3's client, made when it is needed: one for all threads of a process."""

from __future__ import annotations

import os
import threading
import weakref
from typing import Any

from chatstore.core import InvalidArgumentError

_all: weakref.WeakSet[Clients] = weakref.WeakSet()
_inherited: list[object] = []  # a forked child must not use, nor end, its parent's connections
_ATTEMPTS = 3  # of one request, by botocore; the store looks at what came of the last one
_CONNECTIONS = 32


class Clients:
    """Makes a client as boto3's users expect: profile, region and credentials by its rules.

    Timeouts and the number of attempts are ours where neither ``config`` nor the environment nor
    the profile says otherwise.
    """

    def __init__(
        self,
        *,
        profile_name: str | None,
        region_name: str | None,
        endpoint_url: str | None,
        timeout: float,
        config: Any,
        given: Any,
    ) -> None:
        """Note how; nothing is opened or read."""
        self._profile_name = profile_name
        self._region_name = region_name
        self._endpoint_url = endpoint_url
        self._timeout = timeout
        self._config = config
        self._given = given
        self._begin()
        _all.add(self)

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._client: Any = None

    def forget(self) -> None:
        """Begin anew in a forked child."""
        _inherited.append(self._client)
        self._begin()

    def get(self) -> Any:
        """Return the client that all threads share."""
        client = self._given or self._client
        if client is not None:
            return client
        with self._lock:
            if self._client is None:
                self._client = self._made()
            return self._client

    def close(self) -> None:
        """Close the client, unless it was given."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()

    def _made(self) -> Any:
        import boto3  # noqa: PLC0415 - loaded by the first call
        from botocore.config import Config  # noqa: PLC0415

        session = boto3.Session(profile_name=self._profile_name, region_name=self._region_name)
        options: dict[str, Any] = {
            "connect_timeout": self._timeout,
            "read_timeout": self._timeout,
            "max_pool_connections": _CONNECTIONS,
        }
        chosen = session._session.get_config_variable("max_attempts")  # noqa: SLF001 - no other way
        if chosen is None:
            options["retries"] = {"mode": "standard", "total_max_attempts": _ATTEMPTS}
        config = Config(**options)
        if self._config is not None:
            config = config.merge(self._config)
        try:
            return session.client("dynamodb", endpoint_url=self._endpoint_url, config=config)
        except ValueError as error:  # botocore's answer to an endpoint that is no URL
            message = "boto3 refuses the endpoint or the region"
            raise InvalidArgumentError(message) from error


def _forget_all() -> None:
    for clients in _all:
        clients.forget()


if hasattr(os, "register_at_fork"):  # Windows has no fork
    os.register_at_fork(after_in_child=_forget_all)
