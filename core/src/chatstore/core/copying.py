"""Copies of a store: pickled as its class and arguments, else the store itself."""

from __future__ import annotations

import pickle
from typing import Any

from typing_extensions import Self


class Copyable:
    """Remembers what it was constructed with."""

    _constructed_with: tuple[tuple[Any, ...], dict[str, Any]] = ((), {})

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        """Remember the arguments, which are what a store pickles as."""
        store = super().__new__(cls)
        store._constructed_with = (args, kwargs)
        return store

    def __reduce__(self) -> Any:
        """Pickle the class and its arguments: the copy is another store on the same database.

        Raises:
            TypeError: An argument is a client or function that cannot be pickled.

        """
        args, kwargs = self._constructed_with
        given = [*((f"argument {n + 1}", value) for n, value in enumerate(args)), *kwargs.items()]
        refused = next((item for item in given if not _can_be_pickled(item[1])), None)
        if refused is None:
            return _construct, (type(self), args, kwargs)
        raise TypeError(
            f"this {type(self).__name__} cannot be pickled, because {refused[0]} (of type "
            f"{type(refused[1]).__name__}) cannot: construct the store from a URL or a path instead"
        )

    def __copy__(self) -> Self:
        """Return the store itself: copies of it would share its database anyway."""
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """Return the store itself, as `__copy__` does."""
        return self


def _can_be_pickled(value: object) -> bool:
    try:
        pickle.dumps(value)
    except Exception:  # noqa: BLE001 - pickling raises whatever the value's class raises
        return False
    return True


def _construct(kind: type[Copyable], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Copyable:
    return kind(*args, **kwargs)
