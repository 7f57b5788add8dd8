"""Stores wait for a minute where a test names no timeout: a machine may stall for seconds."""

from __future__ import annotations

import inspect
from collections.abc import Callable
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
            _set_default(getattr(module, default).__init__, "timeout")


def _set_default(function: Callable[..., Any], argument: str) -> None:
    parameters = inspect.signature(function).parameters.values()
    optional = [one for one in parameters if one.default is not one.empty]
    defaults = tuple(SECONDS if one.name == argument else one.default for one in optional)
    assert SECONDS in defaults
    function.__defaults__ = defaults  # type: ignore[attr-defined]  # of functions only
