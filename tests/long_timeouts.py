"""Stores wait for a minute where a test does not say how long: a machine may stall for seconds."""

from __future__ import annotations

import inspect
from importlib import import_module
from importlib.util import find_spec
from typing import Any

SECONDS = 60.0
# Where the defaults are: a module's constants or dictionary, or the arguments of a constructor.
_DEFAULTS = {
    "chatstore.azure.store": ("TIMEOUT", "PATIENCE"),
    "chatstore.cosmos.store": ("TIMEOUT", "PATIENCE"),
    "chatstore.dynamodb.settings": ("TIMEOUT", "PATIENCE"),
    "chatstore.postgres.store": ("DEFAULTS",),
    "chatstore.redis.settings": ("RedisSettings",),
    "chatstore.upstash.settings": ("UpstashSettings",),
}
_OPTIONS = ("timeout", "patience")


def lengthen_timeouts() -> None:
    """Change the defaults of all packages that are installed."""
    for name, places in _DEFAULTS.items():
        if find_spec(name.rpartition(".")[0]) is None:
            continue
        module = import_module(name)
        for place in places:
            value = getattr(module, place)
            if isinstance(value, float):
                setattr(module, place, SECONDS)
            elif isinstance(value, dict):
                value.update(dict.fromkeys(_OPTIONS, SECONDS))
            else:
                _set_defaults(value.__init__)


def _set_defaults(function: Any) -> None:
    parameters = inspect.signature(function).parameters.values()
    function.__defaults__ = tuple(
        SECONDS if one.name in _OPTIONS else one.default
        for one in parameters
        if one.default is not one.empty
    )
