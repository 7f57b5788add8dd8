"""Stores wait for a minute where a test does not say how long: a machine may stall for seconds."""

from __future__ import annotations

import inspect
from importlib import import_module
from importlib.util import find_spec
from typing import Any

SECONDS = 60.0
# Where the default is: a module's constant, or an argument of a class's constructor.
_DEFAULTS = {
    "chatstore.azure.store": "TIMEOUT",
    "chatstore.cosmos.store": "TIMEOUT",
    "chatstore.dynamodb.settings": "TIMEOUT",
    "chatstore.redis.settings": "RedisSettings",
    "chatstore.upstash.settings": "UpstashSettings",
}


def lengthen_timeouts() -> None:
    """Change the defaults of all packages that are installed."""
    for name, default in _DEFAULTS.items():
        if find_spec(name.rpartition(".")[0]) is None:
            continue
        module = import_module(name)
        if isinstance(getattr(module, default), float):
            setattr(module, default, SECONDS)
        else:
            _set_timeout(getattr(module, default).__init__)


def _set_timeout(function: Any) -> None:
    parameters = inspect.signature(function).parameters.values()
    function.__defaults__ = tuple(
        SECONDS if one.name == "timeout" else one.default
        for one in parameters
        if one.default is not one.empty
    )
