"""Print the settings that each store's constructor makes, as JSON: a program of a test.

It needs a process of its own, since tests lengthen the defaults of their process.
"""

from __future__ import annotations

import inspect
import json
from importlib import import_module
from typing import Any

from every_store import STORES

OPTIONS = ("timeout", "patience", "max_connections")
MODULES = {"postgres": "chatstore.postgres.backend"}  # elsewhere `settings`


def settings_class(name: str) -> type[Any]:
    module = import_module(MODULES.get(name, f"chatstore.{name}.settings"))
    (result,) = (
        one
        for one in vars(module).values()
        if inspect.isclass(one) and one.__module__ == module.__name__ and "Settings" in one.__name__
    )
    return result


def settings_of(name: str, **options: float) -> list[float | None]:
    """Return the options of a store, as its constructor passes them on."""
    made: list[object] = []
    recorded = settings_class(name)
    create: Any = recorded.__new__

    def record(cls: type[Any], *values: Any, **named: Any) -> object:
        made.append(create(cls) if create is object.__new__ else create(cls, *values, **named))
        return made[-1]

    recorded.__new__ = record  # type: ignore[assignment]
    try:
        STORES[name](**options)
    finally:
        recorded.__new__ = create
    return [getattr(made[-1], option, None) for option in OPTIONS]


if __name__ == "__main__":
    names = [name for name in STORES if name != "memory"]
    changed = {"timeout": 77.0, "max_connections": 7}
    print(json.dumps({name: settings_of(name) for name in names}))
    print(json.dumps({name: settings_of(name, **changed) for name in names}))
